"""`baywarden simulate`: catalogued devices, or a whole site of them, over real Modbus.

`baywarden simulate do PATH ...` tells a running one what to do, by the control socket at PATH.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baywarden_config.catalogue import add_folders, folders_of, one_profile
from baywarden_config.errors import DONE, ToolError, WrongUse
from baywarden_config.numbers import number, port, unit, whole
from baywarden_config.paths import check_readable

if TYPE_CHECKING:
    from baywarden_drivers.simulator import Simulation, SiteSpec

EXAMPLES = """examples:
  baywarden simulate keba-p30 --tcp 5020 --car need=8kWh
  baywarden simulate heidelberg-energy-control --serial /tmp/box --unit 3 --control /tmp/box.sock
  baywarden simulate sunspec-meter --tcp 5021 --model 213 --base-a 12
  baywarden simulate --site field.toml --rate 30 --control /tmp/field.sock
  baywarden simulate do /tmp/field.sock plug a1 --battery 60kWh
  baywarden simulate do /tmp/field.sock state
"""
TALK = "do"
_ALIAS = "sunspec-meter"
_SUNSPEC = {"sunspec-meter-int": range(201, 205), "sunspec-meter-float": range(211, 215)}
"""Profiles of the meters that need none of their own, and their models."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand; `run` does it."""
    parser = subparsers.add_parser(
        "simulate",
        help="serve simulated chargers and meters over Modbus",
        description="Serve one catalogued device, or a site of them (docs/simulator.md), until Ctrl-C.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    further = argparse.ArgumentParser(parser.prog, add_help=False)
    for one in (parser, further):
        _add_options(one)
    # What follows the first word is a request of its own after `do`, and options like any other else.
    parser.add_argument(
        "profile",
        nargs=argparse.REMAINDER,
        action=_FirstWord,
        further=further,
        metavar="PROFILE",
        help="a profile's name, or a path ending in .toml; or: do PATH REQUEST ...",
    )


class _FirstWord(argparse.Action):
    """Takes the profile (or `do` and its words) and reads the options behind it."""

    def __init__(self, *args: Any, further: argparse.ArgumentParser, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._further = further

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        namespace.profile = values[0] if values else None
        namespace.talk = values[1:] if namespace.profile == TALK else None
        if values and namespace.talk is None:
            if "-h" in values or "--help" in values:
                parser.print_help()
                parser.exit()
            self._further.parse_args(values[1:], namespace)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, metavar="FILE", help="serve the site of this file")
    wire = parser.add_mutually_exclusive_group()
    wire.add_argument("--tcp", type=port, metavar="PORT", help="Modbus TCP; 0 takes a free port")
    wire.add_argument(
        "--rtu-over-tcp", type=port, metavar="PORT", help="RTU frames over TCP; 0 takes a free port"
    )
    wire.add_argument(
        "--serial",
        metavar="PATH",
        help="RTU on a serial port; a pseudo-terminal is made when it is not there",
    )
    parser.add_argument("--unit", type=unit, metavar="N", help="unit number (default: the factory's)")
    parser.add_argument(
        "--connectors", type=whole(1, 64), default=1, metavar="N", help="how many outlets the charger has"
    )
    parser.add_argument(
        "--car",
        action="append",
        default=[],
        metavar="KEY=VALUE,...",
        help="plug a car in, one for each outlet: need=8kWh (or battery, soc), phases, at, leave, tag",
    )
    parser.add_argument(
        "--base-a",
        type=number("-10000", "10000"),
        default=0.0,
        metavar="A",
        help="what the building draws (meters)",
    )
    parser.add_argument(
        "--model", type=whole(201, 214), metavar="N", help="SunSpec: 201 to 204, or 211 to 214 in floats"
    )
    parser.add_argument(
        "--base", type=whole(0, 65_000), metavar="ADDRESS", help="SunSpec: where the chain begins"
    )
    parser.add_argument(
        "--choice",
        action="append",
        default=[],
        metavar="DOUBT=CHOICE",
        help="where the profile is in doubt: which kind of device this is",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="anything else that a site file says of a device: phases=1, max_registers=20, without=['ev_soc']",
    )
    parser.add_argument("--timeline", type=Path, metavar="FILE", help="[[car]] and [[event]] by this file")
    parser.add_argument(
        "--rate", type=number("0.001", "10000"), metavar="R", help="let time run R times as fast"
    )
    parser.add_argument(
        "--bind", default="127.0.0.1", metavar="ADDRESS", help="listen there (default: this machine only)"
    )
    parser.add_argument("--control", type=Path, metavar="PATH", help="take requests on this unix socket")
    add_folders(parser)
    parser.add_argument(
        "--json", action="store_true", help="say where everything listens as one line of JSON"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code. Raises ToolError."""
    if args.talk is not None:
        from baywarden_config.simulate_do import talk

        return talk(args.talk)
    from baywarden_drivers.simulator import CannotServe, Simulation, SimulatorError

    if fault := _wrong_use(args):
        raise WrongUse(fault)
    try:
        site = _site(args)
        folders = folders_of(args.profiles)
        simulation = Simulation(site, rate=args.rate, bind=args.bind, control=args.control, folders=folders)
        asyncio.run(_serve(simulation, as_json=args.json))
    except CannotServe as error:
        raise ToolError(str(error)) from error
    except SimulatorError as error:
        raise (ToolError if _is_of_file(args, str(error)) else WrongUse)(str(error)) from error
    return DONE


def _is_of_file(args: argparse.Namespace, fault: str) -> bool:
    """Whether a file is at fault that was read, and not the words of the command line."""
    return args.site is not None or (
        args.timeline is not None and fault.startswith((str(args.timeline), "event "))
    )


def _wrong_use(args: argparse.Namespace) -> str | None:
    has_wire = any(wire is not None for wire in (args.tcp, args.rtu_over_tcp, args.serial))
    if (args.site is None) == (args.profile is None):
        return "give either a profile or --site FILE"
    if args.site is not None and (has_wire or args.car or args.choice or args.set):
        return (
            "a site file says its own wires and cars: leave out --tcp, --rtu-over-tcp, --serial, --car, "
            "--choice and --set"
        )
    if args.profile is not None and not has_wire:
        return "say where to listen: --tcp PORT, --rtu-over-tcp PORT or --serial PATH"
    return None


def _site(args: argparse.Namespace) -> "SiteSpec":
    """The site of the file, or one made of a single device. Raises SiteFileError."""
    from baywarden_drivers.simulator import load_site, parse_site_data

    for file in (args.site, args.timeline):
        if file is not None:
            check_readable(file)
    if args.site is not None:
        return load_site(args.site, args.timeline)
    name = _profile_name(args)
    kind = one_profile(name, args.profiles).kind
    wires = {"tcp": args.tcp, "rtu_over_tcp": args.rtu_over_tcp, "serial": args.serial}
    wire = {"name": "wire", **{name: value for name, value in wires.items() if value is not None}}
    data = {"listener": [wire], kind: [_device(args, name, kind)], "car": _cars(args)}
    return parse_site_data(data, "command line", args.timeline)


def _profile_name(args: argparse.Namespace) -> str:
    """`sunspec-meter` is the profile of the model that is wanted."""
    name = str(args.profile)
    if name != _ALIAS:
        return name
    return next(
        (profile for profile, models in _SUNSPEC.items() if args.model in models), "sunspec-meter-int"
    )


def _device(args: argparse.Namespace, name: str, kind: str) -> dict[str, Any]:
    """The one device, as a site file would say it."""
    outlets = [f"outlet-{number}" for number in range(1, args.connectors + 1)]
    device: dict[str, Any] = {"name": Path(name).stem, "profile": name, "listener": "wire"}
    given = {"unit": args.unit, "model": args.model, "base": args.base}
    device |= {key: value for key, value in given.items() if value is not None}
    device |= {"outlets": outlets} if kind == "charger" else {"base_a": args.base_a}
    if args.choice:
        device["choices"] = dict(_pair("--choice", text) for text in args.choice)
    return device | {key: _toml_value(text) for key, text in (_pair("--set", one) for one in args.set)}


def _pair(option: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise WrongUse(f"{option} {text}: write NAME=VALUE")
    return key.strip(), value.strip()


def _toml_value(text: str) -> Any:
    """A number, list or table as in a site file; anything else is text."""
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _cars(args: argparse.Namespace) -> list[dict[str, str]]:
    return [{"outlet": f"outlet-{number}", **_car(text)} for number, text in enumerate(args.car, 1)]


def _car(text: str) -> dict[str, str]:
    """`need=8kWh,phases=1` as a mapping."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}


async def _serve(simulation: "Simulation", *, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
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
