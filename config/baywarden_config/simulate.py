"""`baywarden simulate`: catalogued devices, or a whole site of them, over real Modbus."""

import argparse
import asyncio
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baywarden_config.errors import DONE, ToolError, WrongUse

if TYPE_CHECKING:
    from baywarden_drivers.simulator import Simulation, SiteSpec

EXAMPLES = """examples:
  baywarden simulate keba-p30 --tcp 5020 --car need_wh=8000
  baywarden simulate heidelberg-energy-control --serial /tmp/box --unit 3
  baywarden simulate --site field.toml --rate 30 --control /tmp/simulator.sock
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand; `run` does it."""
    parser = subparsers.add_parser(
        "simulate",
        help="serve simulated chargers and meters over Modbus",
        description="Serve one catalogued device, or a site of them (docs/simulator.md), until Ctrl-C.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("profile", nargs="?", help="a profile's name, or a path ending in .toml")
    parser.add_argument("--site", type=Path, metavar="FILE", help="serve the site of this file")
    wire = parser.add_mutually_exclusive_group()
    wire.add_argument("--tcp", type=int, metavar="PORT", help="Modbus TCP; 0 takes a free port")
    wire.add_argument(
        "--rtu-over-tcp", type=int, metavar="PORT", help="RTU frames over TCP; 0 takes a free port"
    )
    wire.add_argument(
        "--serial",
        metavar="PATH",
        help="RTU on a serial port; a pseudo-terminal is made when it is not there",
    )
    parser.add_argument("--unit", type=int, metavar="N", help="unit number (default: the factory's)")
    parser.add_argument(
        "--connectors", type=int, default=1, metavar="N", help="how many outlets the charger has"
    )
    parser.add_argument(
        "--car",
        action="append",
        default=[],
        metavar="KEY=VALUE,...",
        help="plug a car in, one for each outlet: need_wh (or battery_wh, soc), phases, at_s, leave_at_s",
    )
    parser.add_argument(
        "--base-a", type=float, default=0.0, metavar="A", help="what the building draws (meters)"
    )
    parser.add_argument("--rate", type=float, metavar="R", help="let time run R times as fast")
    parser.add_argument(
        "--bind", default="127.0.0.1", metavar="ADDRESS", help="listen there (default: this machine only)"
    )
    parser.add_argument("--control", type=Path, metavar="PATH", help="take requests on this unix socket")
    parser.add_argument(
        "--profiles", action="append", default=[], metavar="FOLDER", help="look for profiles here first"
    )
    parser.add_argument(
        "--json", action="store_true", help="say where everything listens as one line of JSON"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code. Raises ToolError."""
    from baywarden_drivers.simulator import CannotServe, Simulation, SimulatorError  # noqa: PLC0415

    if fault := _wrong_use(args):
        raise WrongUse(fault)
    try:
        site = _site(args)
        simulation = Simulation(
            site, rate=args.rate, bind=args.bind, control=args.control, folders=args.profiles
        )
        asyncio.run(_serve(simulation, as_json=args.json))
    except CannotServe as error:
        raise ToolError(str(error)) from error
    except SimulatorError as error:
        raise WrongUse(str(error)) from error
    return DONE


def _wrong_use(args: argparse.Namespace) -> str | None:
    has_wire = any(wire is not None for wire in (args.tcp, args.rtu_over_tcp, args.serial))
    if (args.site is None) == (args.profile is None):
        return "give either a profile or --site FILE"
    if args.site is not None and (has_wire or args.car):
        return "a site file says its own wires and cars: leave out --tcp, --rtu-over-tcp, --serial and --car"
    if args.profile is not None and not has_wire:
        return "say where to listen: --tcp PORT, --rtu-over-tcp PORT or --serial PATH"
    if args.rate is not None and args.rate <= 0:
        return f"--rate {args.rate:g} must be above 0"
    return None


def _site(args: argparse.Namespace) -> "SiteSpec":
    """The site of the file, or one made of a single device. Raises SiteFileError."""
    from baywarden_drivers.errors import ProfileError  # noqa: PLC0415
    from baywarden_drivers.profile import load_profile  # noqa: PLC0415
    from baywarden_drivers.simulator import SiteFileError, load_site, parse_site_data  # noqa: PLC0415

    if args.site is not None:
        return load_site(args.site)
    try:
        kind = load_profile(args.profile, args.profiles).kind
    except ProfileError as error:
        raise SiteFileError(str(error)) from error
    device: dict[str, Any] = {"name": Path(args.profile).stem, "profile": args.profile, "listener": "wire"}
    if args.unit is not None:
        device["unit"] = args.unit
    outlets = [f"outlet-{number}" for number in range(1, args.connectors + 1)]
    device |= {"outlets": outlets} if kind == "charger" else {"base_a": args.base_a}
    wires = {"tcp": args.tcp, "rtu_over_tcp": args.rtu_over_tcp, "serial": args.serial}
    wire = {"name": "wire", **{name: value for name, value in wires.items() if value is not None}}
    cars = [{"outlet": f"outlet-{number}", **_car(text)} for number, text in enumerate(args.car, 1)]
    return parse_site_data({"listener": [wire], kind: [device], "car": cars}, "command line")


def _car(text: str) -> dict[str, str]:
    """`need_wh=8000,phases=1` as a mapping."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}


async def _serve(simulation: "Simulation", *, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with simulation:
        print("\n".join(_said(simulation, as_json=as_json)), flush=True)
        await stop.wait()


def _said(simulation: "Simulation", *, as_json: bool) -> Sequence[str]:
    if as_json:
        where = {name: listener.where for name, listener in simulation.listeners.items()}
        return [json.dumps({"listeners": where, "outlets": [*simulation.outlets], "rate": simulation.rate})]
    lines = []
    for spec in (*simulation.site.charger, *simulation.site.meter):
        device = simulation.device(spec.name)
        name = f"{device.profile.vendor} {device.profile.model}"
        lines.append(f"{spec.name} ({name}): {simulation.where(spec.listener)}, unit {device.unit}")
    return [*lines, "Ready; Ctrl-C ends it."]
