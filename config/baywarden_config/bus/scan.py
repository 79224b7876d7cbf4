"""`baywarden bus scan`: which devices answer on a wire, who they are, and how sound the wiring is. Only reads."""

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from baywarden_config.bus.paste import tables
from baywarden_config.catalogue import add_folders, all_profiles
from baywarden_config.errors import DONE, FAILED, WrongUse
from baywarden_config.layout import table
from baywarden_config.numbers import whole
from baywarden_config.places import host_port, serial_setting, unit_numbers
from baywarden_config.progress import Bar

if TYPE_CHECKING:
    from baywarden_drivers.bench.line import Setting
    from baywarden_drivers.bench.sweep import Found, Progress, Sweep
    from baywarden_drivers.profile import Profile

TCP_UNITS: Final = (1, 255, 0, 2, 3, 126, 180, 200, 247)
"""A charger with its own port mostly answers at any of these; gateways number from 1."""
_MOST_SHOWN: Final = 3


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "scan", help="find devices on a serial line or behind given hosts; only reads"
    )
    parser.add_argument(
        "port", nargs="?", metavar="SERIAL_PATH", help="serial port, best by /dev/serial/by-id"
    )
    parser.add_argument(
        "--tcp", action="append", default=[], metavar="HOST[:PORT]", help="Modbus TCP; only what is named"
    )
    parser.add_argument(
        "--rtu-over-tcp", action="append", default=[], metavar="HOST:PORT", help="a serial server in raw mode"
    )
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="9600/8N1",
        help="only this speed and parity (default: all likely ones, by the facts of the profiles)",
    )
    parser.add_argument("--units", metavar="1-8,33", help="only these unit numbers")
    parser.add_argument(
        "--all", action="store_true", help="go on after the setting at which somebody answers"
    )
    parser.add_argument(
        "--timeout-ms",
        type=whole(20, 60_000),
        metavar="MS",
        help="longest wait for an answer (default: 300, TCP 1000)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="only find devices, do not find out who they are"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_folders(parser)


def run(args: Namespace) -> int:
    """Scan what was named; 0 when every wire has a device, else 1. Raises WrongUse."""
    if args.port is None and not args.tcp and not args.rtu_over_tcp:
        raise WrongUse("say where to look: a serial port, --tcp HOST or --rtu-over-tcp HOST:PORT")
    plans = _plans(args)
    profiles = all_profiles(args.profiles)
    sweeps = []
    for plan in plans:
        bar = Bar()
        try:
            sweeps.append(plan(profiles, bar))
        finally:
            bar.clear()
        if not args.json:
            _print(sweeps[-1], profiles, is_last=len(sweeps) == len(plans))
    if args.json:
        print(json.dumps({"wires": [_plain(one) for one in sweeps]}, indent=2, ensure_ascii=False))
    return DONE if all(sweep.found for sweep in sweeps) else FAILED


_Plan = Callable[["list[Profile]", "Progress"], "Sweep"]


@dataclass(frozen=True)
class _Choice:
    """What the command line narrows down; None is what is likely."""

    settings: "Sequence[Setting]"
    units: Sequence[int] | None
    timeout_s: float | None
    every_setting: bool
    is_quick: bool


def _plans(args: Namespace) -> list[_Plan]:
    """One for each wire; every word is judged before the first byte is sent. Raises WrongUse."""
    units = unit_numbers(args.units, least=0, most=255) if args.units else None
    if args.port is not None and units is not None and units[0] == 0:
        raise WrongUse(f"--units {args.units}: on a serial line 0 is all devices at once; say 1 to 255")
    timeout_s = None if args.timeout_ms is None else args.timeout_ms / 1000
    choice = _Choice([serial_setting(text) for text in args.setting], units, timeout_s, args.all, args.quick)
    plans: list[_Plan] = []
    if args.port is not None:
        plans.append(lambda profiles, bar: _serial(args.port, choice, profiles, bar))
    for text, is_rtu in [*((one, False) for one in args.tcp), *((one, True) for one in args.rtu_over_tcp)]:
        plans.append(_tcp_plan(*host_port(text), choice, is_rtu=is_rtu))
    return plans


def _serial(path: str, choice: _Choice, profiles: "list[Profile]", bar: "Progress") -> "Sweep":
    from baywarden_drivers.bench.serial_line import SerialLine
    from baywarden_drivers.bench.settings import likely_settings, usual_units
    from baywarden_drivers.bench.sweep import sweep_serial

    line = SerialLine(os.path.abspath(path), timeout_s=choice.timeout_s or 0.3)  # as site.toml wants it
    try:
        return sweep_serial(
            line,
            choice.settings or likely_settings(profiles),
            choice.units or usual_units(profiles),
            [] if choice.is_quick else profiles,
            every_setting=choice.every_setting,
            tell=bar,
        )
    finally:
        line.close()


def _tcp_plan(host: str, port: int, choice: _Choice, *, is_rtu: bool) -> _Plan:
    def plan(profiles: "list[Profile]", bar: "Progress") -> "Sweep":
        from baywarden_drivers.bench.settings import usual_units
        from baywarden_drivers.bench.sweep import sweep_tcp
        from baywarden_drivers.bench.tcp_line import TcpLine

        line = TcpLine(host, port, rtu=is_rtu, timeout_s=choice.timeout_s or 1.0)
        units = choice.units or (usual_units(profiles) if is_rtu else TCP_UNITS)
        try:
            return sweep_tcp(line, units, [] if choice.is_quick else profiles, tell=bar)
        finally:
            line.close()

    return plan


def _print(sweep: "Sweep", profiles: "Sequence[Profile]", *, is_last: bool) -> None:
    from baywarden_drivers.bench.verdict import wiring

    print(_headline(sweep))
    known = {profile.name: profile for profile in profiles}
    if sweep.found:
        print()
        rows = [row for found in sweep.found for row in _rows(found, known)]
        print("\n".join(table(["UNIT", "LINE", "PROFILE", "SURE", "DEVICE", "WHY"], rows)))
    print()
    for sentence in wiring(sweep):
        print(sentence)
    if any(found.who.best for found in sweep.found):
        print("\nFor site.toml:\n")
        print("\n".join(tables(sweep, known)))
    if not is_last:
        print()


def _headline(sweep: "Sweep") -> str:
    devices = f"{len(sweep.found) or 'no'} device{'' if len(sweep.found) == 1 else 's'}"
    asked = sweep.asked + sum(found.checks + found.who.questions for found in sweep.found)
    tried = (
        f" at {len(sweep.settings)} setting{'' if len(sweep.settings) == 1 else 's'}"
        if sweep.settings
        else ""
    )
    return f"{sweep.where}: {devices}; {asked} questions asked{tried}."


def _rows(found: "Found", known: "Mapping[str, Profile]") -> Iterator[list[str]]:
    line = "-" if found.setting is None else str(found.setting)
    candidates = found.who.candidates[:_MOST_SHOWN]
    if not candidates:
        yield [str(found.unit), line, "-", "-", "-", _nobody(found)]
    for place, one in enumerate(candidates):
        profile = known[one.profile]
        yield [
            str(found.unit) if not place else "",
            line if not place else "",
            one.profile,
            f"{one.confidence:.0%}",
            f"{profile.vendor} {profile.model}",
            ", ".join(one.reasons[:3]) if not place else "",
        ]


def _nobody(found: "Found") -> str:
    if not found.who.questions:
        return "it answers; not asked further"
    return found.who.sunspec or "no profile fits what it answers"


def _plain(sweep: "Sweep") -> dict[str, Any]:
    from baywarden_drivers.bench.verdict import wiring

    return {
        "where": sweep.where,
        "type": sweep.kind,
        "settings_tried": [str(one) for one in sweep.settings],
        "settings_skipped": sweep.skipped,
        "found": [
            {
                "unit": found.unit,
                "setting": None if found.setting is None else asdict(found.setting),
                "candidates": [asdict(one) for one in found.who.candidates],
                "sunspec": found.who.sunspec or None,
                "checks": found.checks,
                "damaged": found.damaged,
                "lost": found.lost,
            }
            for found in sweep.found
        ],
        "wiring": wiring(sweep),
        "hung_up": sweep.hung_up,
        "trouble": sweep.trouble or None,
    }
