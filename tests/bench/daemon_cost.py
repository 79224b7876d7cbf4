"""What the daemon costs a gateway with 20 simulated chargers at one poll a second, beside the lean yardstick.

Memory, CPU per device-cycle, and the time from exec to the first complete poll, against DESIGN's budgets (section 10);
memory also with 50 devices. Everything was compiled before, and malloc is set, as where the unit starts the daemon.
Run as `make bench ARGS=daemon_cost`.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve().parent
UNIT = HERE.parents[1] / "systemd" / "baywarden.service"
sys.path.insert(0, str(HERE.parent))

from support.broker import Broker

DEVICES = 20
MORE_DEVICES = 50
WARM_S = 10.0
MEASURED_S = 30.0
BAYWARDEN = [sys.executable, "-m", "baywarden"]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def write_files(folder: Path, ports: list[int], broker: int) -> tuple[Path, Path]:
    """The simulated field and the site."""
    field = [f'[[listener]]\nname = "l{n}"\ntcp = {port}' for n, port in enumerate(ports)]
    field += [
        f'[[charger]]\nname = "c{n}"\nprofile = "phoenix-charx-sec"\nlistener = "l{n}"\noutlets = ["bay-{n}"]'
        for n in range(len(ports))
    ]
    site = [
        '[site]\nid = "bench"\nname = "Bench"\ntime_zone = "UTC"\ncurrency = "EUR"\n[clock]\ntrust = "always"',
        f'[store]\nfolder = "{folder}/store"\n[control]\nsocket = "{folder}/control.sock"',
        f'[cloud]\nhost = "127.0.0.1"\nport = {broker}\ntls = false',
        f'[[circuits]]\nid = "main"\nlimit_a = {16 * len(ports)}\nbase_load_a = 0',
    ]
    site += [
        f'[[links]]\nid = "l{n}"\ntype = "tcp"\nhost = "127.0.0.1"\nport = {port}\n[[chargers]]\nid = "c{n}"\n'
        f'profile = "phoenix-charx-sec"\nlink = "l{n}"\n'
        f'evses = [{{ id = "bay-{n}", label = "Bay {n}", circuit = "main" }}]'
        for n, port in enumerate(ports)
    ]
    (folder / "field.toml").write_text("\n".join(field))
    (folder / "site.toml").write_text("\n".join(site))
    return folder / "field.toml", folder / "site.toml"


def of_the_unit() -> dict[str, str]:
    """What the unit puts into the daemon's environment, but for what systemd itself fills in."""
    lines = [
        line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith("Environment=")
    ]
    return dict(line.split("=", 1) for line in lines if "%" not in line)


def as_installed(folder: Path) -> dict[str, str]:
    """The surroundings of a daemon of the unit, whose modules are compiled already."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env = {**kept, **of_the_unit(), "PYTHONPYCACHEPREFIX": str(folder.parent / "compiled")}
    modules = "baywarden.__main__, baywarden.daemon.house, baywarden.services.cloud"
    subprocess.run([sys.executable, "-c", f"import {modules}"], env=env, check=True)
    return env


def start_daemon(folder: Path, site: Path) -> tuple[subprocess.Popen[bytes], float]:
    """The daemon, and the seconds until it said that every device had been tried."""
    address, env = str(folder / "notify"), as_installed(folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(30)
        began = time.monotonic()
        daemon = subprocess.Popen(
            [*BAYWARDEN, "run", "--config", str(site)],
            env={**env, "NOTIFY_SOCKET": address},
            stderr=(folder / "daemon.log").open("wb"),
        )
        while not manager.recv(200).startswith(b"READY=1"):
            pass
        return daemon, time.monotonic() - began


def cpu_s(process: psutil.Process) -> float:
    """User and system time so far."""
    used = process.cpu_times()
    return float(used.user + used.system)


def measure_daemon(folder: Path, site: Path, devices: int) -> dict[str, Any]:
    """Start, let it settle, and look."""
    daemon, start_s = start_daemon(folder, site)
    try:
        process = psutil.Process(daemon.pid)
        time.sleep(WARM_S)
        before, began = cpu_s(process), time.monotonic()
        time.sleep(MEASURED_S)
        spent, took = cpu_s(process) - before, time.monotonic() - began
        memory = process.memory_full_info()
    finally:
        daemon.terminate()
        daemon.wait(20)
    return {
        "start_s": start_s,
        "rss_mib": memory.rss / 2**20,
        "pss_mib": memory.pss / 2**20,
        "core_percent": 100 * spent / took,
        "us_per_cycle": 1e6 * spent / (took * devices),
    }


def measure_lean(folder: Path, broker: int, ports: list[int]) -> dict[str, Any]:
    """The same field, polled by the yardstick."""
    argv = [
        sys.executable,
        str(HERE / "lean.py"),
        str(folder),
        str(broker),
        str(MEASURED_S),
        "1232,1244,1255,1297",
        *map(str, ports),
    ]
    began = time.monotonic()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as lean:
        assert lean.stdout is not None
        assert lean.stdout.readline().strip() == "ready"
        start_s = time.monotonic() - began
        process = psutil.Process(lean.pid)
        before = cpu_s(process)
        time.sleep(MEASURED_S - 5)
        spent, rss = cpu_s(process) - before, process.memory_info().rss
        lean.stdout.read()
    cycles = (MEASURED_S - 5) * DEVICES
    return {"start_s": start_s, "rss_mib": rss / 2**20, "us_per_cycle": 1e6 * spent / cycles}


@contextmanager
def simulated(folder: Path, devices: int, broker: int) -> Iterator[tuple[Path, list[int]]]:
    """The site of so many simulated chargers, and where they are."""
    folder.mkdir()
    ports = free_ports(devices)
    field, site = write_files(folder, ports, broker)
    argv = [*BAYWARDEN, "simulate", "--site", str(field)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as simulator:
        try:
            time.sleep(3)
            yield site, ports
        finally:
            simulator.terminate()


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name, Broker(Path(name) / "broker") as broker:
        with simulated(Path(name) / "some", DEVICES, broker.port) as (site, ports):
            ours = measure_daemon(site.parent, site, DEVICES)
            lean = measure_lean(site.parent, broker.port, ports)
        with simulated(Path(name) / "more", MORE_DEVICES, broker.port) as (site, _):
            more = measure_daemon(site.parent, site, MORE_DEVICES)
    seen = {"devices": DEVICES, "baywarden": ours, "lean": lean, f"with {MORE_DEVICES} devices": more}
    print(json.dumps(seen, indent=2))
    ratio = ours["us_per_cycle"] / lean["us_per_cycle"]
    print(f"CPU per device-cycle: {ratio:.2f} x lean (goal 1.5, least 2)")
    print(f"memory with {MORE_DEVICES} devices: {more['rss_mib']:.1f} MiB resident (goal 40, least 48)")
    print(f"start to first complete poll: {ours['start_s']:.2f} s (goal 0.35, least 0.7)")


if __name__ == "__main__":
    main()
