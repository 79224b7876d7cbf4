"""Devices that cost next to nothing: one process answers every read with the same registers and notes when it came.

Run as `plain_field.py PORTS [DELAY_MS]`: it prints the ports it chose as JSON, serves until its input ends, and then
prints how many requests came, and the 99th percentile of how far a device's rounds were from one second apart.
"""

import asyncio
import json
import sys
import time
from functools import partial
from itertools import pairwise
from typing import ClassVar

MARK = 1000
"""A read that begins here begins a device's round."""
ENERGY_AT, STATUS_AT = 2000, 1000
WRITES = (5, 6, 15, 16)


class Device(asyncio.Protocol):
    """One connection; any unit number is answered."""

    rounds: ClassVar[dict[tuple[int, int], list[float]]] = {}
    requests = 0
    written: ClassVar[dict[tuple[int, int, int], int]] = {}

    def __init__(self, port: int) -> None:
        self.port = port
        self.held = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self.held += data
        while len(self.held) >= 12:
            size = 6 + int.from_bytes(self.held[4:6], "big")
            if len(self.held) < size:
                return
            frame, self.held = self.held[:size], self.held[size:]
            self.answer(frame)

    def answer(self, frame: bytes) -> None:
        """Registers of zeros but for what was written, or the echo of a write."""
        Device.requests += 1
        unit, function = frame[6], frame[7]
        address, count = int.from_bytes(frame[8:10], "big"), int.from_bytes(frame[10:12], "big")
        if function in WRITES:
            value = count if function == 6 else int.from_bytes(frame[13:15], "big")
            Device.written[self.port, unit, address] = value
            pdu = frame[7:12]
        else:
            if address == MARK:
                Device.rounds.setdefault((self.port, unit), []).append(time.monotonic())
            words = [Device.written.get((self.port, unit, address + n), 0) for n in range(count)]
            pdu = bytes([function, 2 * count]) + b"".join(word.to_bytes(2, "big") for word in words)
        self.transport.write(frame[:4] + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit]) + pdu)


def jitter_ms() -> dict[str, float]:
    """How far rounds were from one second after the one before, first five rounds left out."""
    off = sorted(
        abs(1000 * (after - before) - 1000)
        for moments in Device.rounds.values()
        for before, after in pairwise(moments[5:])
    )
    if not off:
        return {}
    drift = [
        1000 * (one[-1] - one[5]) / (len(one) - 6) - 1000 for one in Device.rounds.values() if len(one) > 6
    ]
    return {
        "p50": off[len(off) // 2],
        "p99": off[len(off) * 99 // 100],
        "drift_ms_a_round": max(drift, key=abs, default=0.0),
    }


def _device(port: list[int]) -> Device:
    """On a port that is known once somebody listens."""
    return Device(port[0])


async def main(ports: int) -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    servers = []
    for _ in range(ports):
        box: list[int] = [0]
        server = await loop.create_server(partial(_device, box), "127.0.0.1", 0, backlog=600)
        box[0] = server.sockets[0].getsockname()[1]
        servers.append(server)
    print(json.dumps([one.sockets[0].getsockname()[1] for one in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    rounds = sum(len(one) for one in Device.rounds.values())
    print(json.dumps({"requests": Device.requests, "rounds": rounds, "jitter_ms": jitter_ms()}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
