"""How much of an RTU line 20 devices get, at 9600, 19200 and 115200 baud, against DESIGN's budget (section 10).

The line's far end paces characters and watches the silence of 3.5 characters (`paced_line`). Use of the wire is the
time that frames, silences and the devices' own turnaround need, as a share of the time that passed; the yardstick is
pymodbus's own client asked in a plain loop. Run as `make bench ARGS=rtu_line`.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

from pymodbus.client import AsyncModbusSerialClient

from baywarden_drivers import SerialLink

HERE = Path(__file__).resolve().parent
DEVICES = 20
REGISTERS = 30
RUN_S = 12.0
Parity = Literal["N", "E", "O"]
LINES: tuple[tuple[int, Parity, Literal[1, 2], float, float], ...] = (
    (9_600, "E", 1, 97, 95),
    (19_200, "E", 1, 96, 94),
    (115_200, "N", 1, 91, 88),
)
"""Baud, parity, stop bits; goal and least use of the wire in percent."""


async def ours(path: str, baud: int, parity: Parity, stop_bits: Literal[1, 2], end_at: float) -> None:
    """Twenty devices that all want the wire all the time."""
    link = SerialLink(path, baud, parity, stop_bits)

    async def device(unit: int) -> None:
        while time.monotonic() < end_at:
            await link.read(unit, "holding", 0, REGISTERS)

    try:
        await asyncio.gather(*(device(unit) for unit in range(1, DEVICES + 1)))
    finally:
        await link.close()


async def plain(path: str, baud: int, parity: Parity, stop_bits: Literal[1, 2], end_at: float) -> None:
    """The library's client in a loop; a pseudo-terminal has no parity."""
    del parity
    client = AsyncModbusSerialClient(path, baudrate=baud, stopbits=stop_bits, retries=0)
    await client.connect()
    while time.monotonic() < end_at:
        for unit in range(1, DEVICES + 1):
            await client.read_holding_registers(0, count=REGISTERS, device_id=unit)
    client.close()


def measure(who: Any, baud: int, parity: Parity, stop_bits: Literal[1, 2]) -> dict[str, Any]:
    """One run on a fresh line."""
    bits = 9 + (parity != "N") + stop_bits
    argv = [sys.executable, str(HERE / "paced_line.py"), str(baud), str(bits), str(RUN_S + 2)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as line:
        assert line.stdout is not None
        path = line.stdout.readline().strip()
        asyncio.run(who(path, baud, parity, stop_bits, time.monotonic() + RUN_S))
        figures: dict[str, Any] = json.loads(line.stdout.readline())
    figures["use_percent"] = 100 * figures["busy_s"] / figures["took_s"]
    return figures


def main() -> None:
    """Print the figures."""
    for baud, parity, stop_bits, goal, least in LINES:
        mine = measure(ours, baud, parity, stop_bits)
        lib = measure(plain, baud, parity, stop_bits)
        print(
            f"{baud:>6} 8{parity}{stop_bits}: {mine['use_percent']:.1f} % of the wire (goal {goal}, least {least}), "
            f"{mine['exchanges']} reads, {mine['too_early']} inside the silence, shortest "
            f"{mine['shortest_silence_ms']:.2f} of {mine['silence_ms']:.2f} ms; plain pymodbus "
            f"{lib['use_percent']:.1f} %, {lib['too_early']} of {lib['exchanges']} inside the silence"
        )


if __name__ == "__main__":
    main()
