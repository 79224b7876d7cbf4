"""The yardstick: the least that does the whole job. No rules, no profiles, no care.

pymodbus's asyncio client, four reads of ten registers a device and second, one outbox row per device-cycle, one
WAL FULL commit a cycle, QoS 1 publish, delete on PUBACK. Run as `lean.py FOLDER BROKER_PORT SECONDS PORT...`; it prints
`ready` after the first whole round and one JSON object of figures at the end.
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

ADDRESSES = (1232, 1244, 1255, 1297)


async def poll(client: AsyncModbusTcpClient) -> list[float]:
    """One device-cycle's values."""
    words: list[int] = []
    for address in ADDRESSES:
        answer = await client.read_holding_registers(address, count=10)
        if answer.isError():
            raise RuntimeError(f"{address}: {answer}")
        words += answer.registers
    raw = struct.pack(f">{len(words)}H", *words)
    return [value / 1000 for value in struct.unpack(f">{len(words) // 2}i", raw)]


async def main(folder: Path, broker: int, seconds: float, ports: list[int]) -> None:
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
    clients = [AsyncModbusTcpClient("127.0.0.1", port=port, retries=0) for port in ports]
    for client in clients:
        await client.connect()
    began = time.monotonic()
    cycles = 0
    while time.monotonic() - began < seconds:
        values = await asyncio.gather(*(poll(client) for client in clients))
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
    print(json.dumps({"cycles": cycles * len(ports), "cpu_s": used.ru_utime + used.ru_stime}), flush=True)
    cloud.disconnect()
    cloud.loop_stop()


if __name__ == "__main__":
    asyncio.run(
        main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), [int(port) for port in sys.argv[4:]])
    )
