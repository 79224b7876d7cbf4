"""What polling costs as sites grow: the daemon beside the lean yardstick and modpoll2mqtt, in one run.

CPU per device-cycle (four scattered reads of ten registers), memory, jitter of the rounds as the devices saw it, and
the time to the first complete poll: 20 and 200 units behind one connection, then 1, 20, 200 and 500 devices with a
connection each, of which the cost must not grow (modpoll2mqtt knows only one connection). It takes eight minutes.
Run as `make bench ARGS=field_cost`.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from paho.mqtt import publish

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.broker import Broker

WARM_S = 8.0
MEASURED_S = 20.0
ADDRESSES = (1000, 2000, 3000, 4000)
MODPOLL = "modpoll2mqtt==2.4.1"
RIVALS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "baywarden-bench"


@dataclass
class Field:
    """The running devices, as PORT:UNIT."""

    places: list[str]
    process: subprocess.Popen[str]

    def figures(self) -> dict[str, Any]:
        """End it and take what it saw."""
        out, _ = self.process.communicate("", timeout=30)
        found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return found


@contextmanager
def field(devices: int, *, shared: bool) -> Iterator[Field]:
    """Devices behind one connection, or with one each."""
    argv = [sys.executable, str(HERE / "plain_field.py"), "1" if shared else str(devices)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        places = [f"{ports[0]}:{unit}" for unit in range(1, devices + 1)]
        yield Field(places if shared else [f"{port}:1" for port in ports], process)


def write_site(folder: Path, places: list[str], broker: int) -> Path:
    """The configuration of a site with these chargers."""
    links = sorted({place.partition(":")[0] for place in places})
    parts = [
        '[site]\nid = "bench"\nname = "Bench"\ntime_zone = "UTC"\ncurrency = "EUR"\n'
        f'profile_folder = "{folder}/profiles"\n[clock]\ntrust = "always"\n[store]\nfolder = "{folder}/store"\n'
        f'[control]\nsocket = "{folder}/control.sock"\n[cloud]\nhost = "127.0.0.1"\nport = {broker}\ntls = false',
        f'[[circuits]]\nid = "main"\nlimit_a = {min(6300, 16 * len(places))}\nbase_load_a = 0',
    ]
    parts += [f'[[links]]\nid = "l{port}"\ntype = "tcp"\nhost = "127.0.0.1"\nport = {port}' for port in links]
    for number, place in enumerate(places):
        port, _, unit = place.partition(":")
        parts.append(
            f'[[chargers]]\nid = "c{number}"\nprofile = "bench-charger"\nlink = "l{port}"\nunit = {unit}\n'
            f'evses = [{{ id = "bay-{number}", label = "Bay {number}", circuit = "main" }}]'
        )
    (folder / "profiles").mkdir(exist_ok=True)
    (folder / "profiles/bench-charger.toml").write_text((HERE / "bench-charger.toml").read_text())
    (folder / "site.toml").write_text("\n".join(parts))
    return folder / "site.toml"


def cpu_s(process: psutil.Process) -> float:
    """User and system time so far, children included."""
    used = process.cpu_times()
    return float(used.user + used.system)


def watch(pid: int, devices: int) -> dict[str, float]:
    """CPU and memory of a program that polls at 1 Hz."""
    process = psutil.Process(pid)
    time.sleep(WARM_S)
    before, began = cpu_s(process), time.monotonic()
    time.sleep(MEASURED_S)
    spent, took = cpu_s(process) - before, time.monotonic() - began
    return {
        "us_per_cycle": 1e6 * spent / (took * devices),
        "core_percent": 100 * spent / took,
        "rss_mib": process.memory_info().rss / 2**20,
    }


def ours(folder: Path, broker: int, devices: int, *, shared: bool) -> dict[str, Any]:
    """The daemon."""
    with field(devices, shared=shared) as devices_there:
        site = write_site(folder, devices_there.places, broker)
        address = str(folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(address)
            manager.settimeout(120)
            began = time.monotonic()
            daemon = subprocess.Popen(
                [sys.executable, "-m", "baywarden", "run", "--config", str(site)],
                env={**os.environ, "NOTIFY_SOCKET": address},
                stderr=(folder / "daemon.log").open("wb"),
            )
            while not manager.recv(200).startswith(b"READY=1"):
                pass
            start_s = time.monotonic() - began
        try:
            seen = watch(daemon.pid, devices)
        finally:
            daemon.terminate()
            daemon.wait(30)
        return {**seen, "start_s": start_s, **devices_there.figures()}


def lean(folder: Path, broker: int, devices: int, *, shared: bool) -> dict[str, Any]:
    """The yardstick."""
    with field(devices, shared=shared) as there:
        argv = [sys.executable, str(HERE / "lean.py"), str(folder), str(broker), str(WARM_S + MEASURED_S + 5)]
        argv += [",".join(map(str, ADDRESSES)), *there.places]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            program.stdout.readline()
            seen = watch(program.pid, devices)
            program.stdout.read()
        return {**seen, **there.figures()}


def modpoll_program() -> Path | None:
    """modpoll2mqtt in a place of its own, installed when it is first wanted; None where that is not possible."""
    program = RIVALS / "bin/modpoll"
    if not program.exists():
        venv.create(RIVALS, with_pip=True)
        done = subprocess.run([RIVALS / "bin/pip", "install", "--quiet", MODPOLL], check=False)
        if done.returncode:
            return None
    return program


def modpoll(program: Path, folder: Path, broker: int, devices: int) -> dict[str, Any]:
    """The rival; it spins until it has been told something once, so it is."""
    with field(devices, shared=True) as there:
        rows = []
        for place in there.places:
            unit = place.partition(":")[2]
            rows.append(f"device,d{unit},{unit}")
            for address in ADDRESSES:
                rows.append(f"poll,holding_register,{address},10,BE_BE")
                rows += [f"ref,v{address + 2 * n},{address + 2 * n},uint32,r" for n in range(5)]
        (folder / "modpoll.csv").write_text("\n".join(rows) + "\n")
        argv = [str(program), "-f", str(folder / "modpoll.csv"), "--tcp", "127.0.0.1", "--no-output"]
        argv += ["--tcp-port", there.places[0].partition(":")[0], "-r", "1", "--mqtt-host", "127.0.0.1"]
        argv += [
            "--mqtt-port",
            str(broker),
            "--mqtt-qos",
            "1",
            "--mqtt-version",
            "5.0",
            "--loglevel",
            "ERROR",
        ]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=folder) as program_there:
            try:
                time.sleep(3)
                publish.single("modpoll/d1/get", '["v1000"]', qos=1, hostname="127.0.0.1", port=broker)
                seen = watch(program_there.pid, devices)
            finally:
                program_there.terminate()
                program_there.wait(20)
        return {**seen, **there.figures()}


def line(what: str, seen: dict[str, Any]) -> str:
    """One row of figures."""
    off = seen["jitter_ms"]
    start = f", start {seen['start_s']:.2f} s" if "start_s" in seen else ""
    return (
        f"{what:<34} {seen['us_per_cycle']:7.0f} us a device-cycle, {seen['core_percent']:5.1f} % of a core, "
        f"{seen['rss_mib']:5.1f} MiB, jitter p99 {off.get('p99', float('nan')):6.1f} ms{start}"
    )


def behind_one_connection(name: str, broker: int, devices: int, program: Path | None) -> None:
    """Print the figures of all three."""
    mine = ours(fresh(name), broker, devices, shared=True)
    floor = lean(fresh(name), broker, devices, shared=True)
    print(line(f"baywarden, {devices} units, 1 connection", mine))
    print(line(f"lean, {devices} units, 1 connection", floor))
    print(f"  {mine['us_per_cycle'] / floor['us_per_cycle']:.2f} x lean (goal 1.5, least 2)")
    if program is None:
        print(f"  {MODPOLL} could not be installed: not compared")
        return
    rival = modpoll(program, fresh(name), broker, devices)
    print(line(f"modpoll2mqtt, {devices} units", rival))
    print(f"  {mine['us_per_cycle'] / rival['us_per_cycle']:.2f} x modpoll2mqtt (goal 1.25)", flush=True)


def with_connections_of_their_own(name: str, broker: int) -> None:
    """Print how the cost grows with the number of devices."""
    costs = {}
    for devices in (1, 20, 200, 500):
        mine = ours(fresh(name), broker, devices, shared=False)
        costs[devices] = mine["us_per_cycle"]
        print(line(f"baywarden, {devices} connections", mine), flush=True)
        if devices > 1:
            floor = lean(fresh(name), broker, devices, shared=False)
            print(line(f"lean, {devices} connections", floor), flush=True)
    grown = ", ".join(f"{costs[devices] / costs[20]:.2f} x with {devices}" for devices in costs)
    print(f"  cost of a device-cycle beside that with 20 connections: {grown} (goal: it only falls)")


def main() -> None:
    """Print the figures."""
    program = modpoll_program()
    with tempfile.TemporaryDirectory() as name, Broker(Path(name) / "broker") as broker:
        for devices in (20, 200):
            behind_one_connection(name, broker.port, devices, program)
        with_connections_of_their_own(name, broker.port)


def fresh(name: str) -> Path:
    """A folder of its own for each run."""
    return Path(tempfile.mkdtemp(dir=name))


if __name__ == "__main__":
    main()
