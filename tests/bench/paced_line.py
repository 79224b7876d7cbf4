"""A serial line with real timing on a pseudo-terminal: the far end of `rtu_line`, as a process of its own.

Characters take their time on the simulated wire in both directions; devices answer after a fixed turnaround. Run as
`paced_line.py BAUD BITS SECONDS`; it prints the path to open, and at the end one JSON object: exchanges, seconds from
the first request to the last answer, seconds in which the wire was rightly busy, and how many requests came
inside the silence of 3.5 characters, with the shortest silence seen.
"""

import json
import os
import select
import sys
import time
import tty

from pymodbus.framer.rtu import FramerRTU

TURNAROUND_S = 0.002
SHORTEST_SILENCE_S = 0.00175
REQUEST_BYTES = 8
SLACK_S = 0.00002
"""Two readings of the clock."""


class Line:
    """The wire as its slave side sees it; all moments are seconds of the monotonic clock."""

    def __init__(self, baud: int, bits: int) -> None:
        self.char_s = bits / baud
        self.silence_s = max(3.5 * self.char_s, SHORTEST_SILENCE_S)
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.free_at = 0.0
        self.exchanges = self.too_early = 0
        self.busy_s = 0.0
        self.began_at = self.ended_at = 0.0
        self.shortest_s = float("inf")

    def serve(self, request: bytes, came_at: float) -> None:
        """Judge the silence before the request, let it arrive, answer it character by character."""
        if self.free_at:
            silence_s = came_at - self.free_at
            self.shortest_s = min(self.shortest_s, silence_s)
            self.too_early += silence_s < self.silence_s - SLACK_S
        else:
            self.began_at = came_at
        count = int.from_bytes(request[4:6], "big")
        body = bytes([request[0], request[1], 2 * count]) + bytes(2 * count)
        answer = body + FramerRTU.compute_CRC(body).to_bytes(2, "big")
        start_at = came_at + len(request) * self.char_s + TURNAROUND_S
        for number, character in enumerate(answer, 1):
            wait_until(start_at + number * self.char_s)
            os.write(self.master, bytes([character]))
        self.free_at = self.ended_at = start_at + len(answer) * self.char_s
        self.exchanges += 1
        self.busy_s += self.silence_s + (len(request) + len(answer)) * self.char_s + TURNAROUND_S

    def figures(self) -> dict[str, float]:
        """What was seen."""
        return {
            "exchanges": self.exchanges,
            "took_s": self.ended_at - self.began_at,
            "busy_s": self.busy_s,
            "too_early": self.too_early,
            "shortest_silence_ms": 1000 * self.shortest_s,
            "silence_ms": 1000 * self.silence_s,
        }


def wait_until(moment_s: float) -> None:
    """Sleep for most of it and spin for the rest, so that characters keep their time."""
    rest = moment_s - time.monotonic()
    if rest > 0.0005:
        time.sleep(rest - 0.0003)
    while time.monotonic() < moment_s:
        pass


def main(baud: int, bits: int, seconds: float) -> None:
    """Serve until the time is over."""
    line = Line(baud, bits)
    print(os.ttyname(line.slave), flush=True)
    end_at = time.monotonic() + seconds
    held = b""
    came_at = 0.0
    while time.monotonic() < end_at:
        if not select.select([line.master], [], [], 0.2)[0]:
            continue
        if not held:
            came_at = time.monotonic()
        held += os.read(line.master, 256)
        if len(held) >= REQUEST_BYTES:
            line.serve(held[:REQUEST_BYTES], came_at)
            held = held[REQUEST_BYTES:]
    print(json.dumps(line.figures()), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
