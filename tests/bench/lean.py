"""The yardstick: the least that does the whole job. No rules, no profiles, no care.

pymodbus's asyncio client, four reads of ten registers a device and second, one outbox row per device-cycle, one
WAL FULL commit a cycle, QoS 1 publish, delete on PUBACK. Run as `lean.py FOLDER BROKER_PORT SECONDS ADDRESSES WHERE...`
with the four addresses joined by commas and every device as PORT or PORT:UNIT; it prints `ready` after the first
whole round and one JSON object of figures at the end.
"""

import asyncio
import json
import resource
import sqlite3
import struct
import sys
import time
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from pymodbus.client import AsyncModbusTcpClient


async def poll(client: AsyncModbusTcpClient, unit: int, addresses: list[int]) -> list[float]:
    """One device-cycle's values."""
    words: list[int] = []
    for address in addresses:
        answer = await client.read_holding_registers(address, count=10, device_id=unit)
        if answer.isError():
            raise RuntimeError(f"{address}: {answer}")
        words += answer.registers
    raw = struct.pack(f">{len(words)}H", *words)
    return [value / 1000 for value in struct.unpack(f">{len(words) // 2}i", raw)]


async def main(folder: Path, broker: int, seconds: float, addresses: list[int], where: list[str]) -> None:
    """Poll all devices at 1 Hz."""
    books = sqlite3.connect(folder / "lean.db", isolation_level=None)
    books.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE outbox(id INTEGER PRIMARY KEY, body TEXT)"
    )
    cloud = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    rows: dict[int, int] = {}
    acked: list[int] = []
    cloud.on_publish = lambda _c, _u, mid, _r, _p: acked.append(mid)
    cloud.max_inflight_messages_set(20)
    cloud.connect("127.0.0.1", broker)
    cloud.loop_start()
    places = [(int(port), int(unit or 1)) for port, _, unit in (one.partition(":") for one in where)]
    clients = {port: AsyncModbusTcpClient("127.0.0.1", port=port, retries=0) for port, _ in places}
    for client in clients.values():
        await client.connect()
    began = time.monotonic()
    cycles = 0
    while time.monotonic() - began < seconds:
        values = await asyncio.gather(*(poll(clients[port], unit, addresses) for port, unit in places))
        books.execute("BEGIN IMMEDIATE")
        for device in values:
            body = json.dumps({"at": time.time(), "values": device})
            row = books.execute("INSERT INTO outbox(body) VALUES (?)", (body,)).lastrowid
            rows[cloud.publish("lean/evt", body, 1).mid] = row or 0
        done, acked = acked, []
        cloud.on_publish = lambda _c, _u, mid, _r, _p, acked=acked: acked.append(mid)
        books.executemany(
            "DELETE FROM outbox WHERE id = ?", [(rows.pop(mid),) for mid in done if mid in rows]
        )
        books.execute("COMMIT")
        cycles += 1
        if cycles == 1:
            print("ready", flush=True)
        await asyncio.sleep(max(0.0, began + cycles - time.monotonic()))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cycles": cycles * len(places), "cpu_s": used.ru_utime + used.ru_stime}), flush=True)
    cloud.disconnect()
    cloud.loop_stop()


if __name__ == "__main__":
    asked_for = [int(address) for address in sys.argv[4].split(",")]
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), asked_for, sys.argv[5:]))
