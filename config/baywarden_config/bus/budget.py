"""`baywarden bus budget`: how much of a line's time its devices take, before anything is wired, and what to change."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from baywarden_config.catalogue import add_folders, folders_of, one_profile
from baywarden_config.errors import DONE, FAILED, ToolError, WrongUse
from baywarden_config.layout import table
from baywarden_config.numbers import number
from baywarden_config.paths import check_readable
from baywarden_config.places import serial_setting

if TYPE_CHECKING:
    from baywarden.settings import Settings
    from baywarden_drivers.bench.budget import Budget, Wanted
    from baywarden_drivers.bench.line import Setting

_MOST_DEVICES = 247


@dataclass(frozen=True)
class Line:
    """A line that is to be weighed."""

    name: str
    setting: "Setting | None"
    devices: "list[Wanted]"


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "budget", help="the load of every link of a site.toml, or of a line that is only thought of"
    )
    parser.add_argument("devices", nargs="*", metavar="PROFILE[=COUNT]", help="devices of a line thought of")
    parser.add_argument("--config", metavar="FILE", help="weigh the links of this site.toml")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--serial", metavar="9600/8N1", help="a serial line thought of")
    where.add_argument("--tcp", action="store_true", help="one network connection thought of")
    parser.add_argument(
        "--poll-s",
        type=number("0.05", "86400"),
        default=1.0,
        metavar="S",
        help="seconds from poll to poll (default: 1)",
    )
    parser.add_argument(
        "--turnaround-ms",
        type=number("0", "10000"),
        metavar="MS",
        help="assumed from question to answer (default: 20; on a network the round trip)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_folders(parser)


def run(args: Namespace) -> int:
    """Weigh; 0 when every line carries its load, else 1. Raises WrongUse and ToolError."""
    from baywarden_drivers.bench.budget import advice, budget_of

    if (args.config is None) == (not args.devices):
        raise WrongUse("give either --config FILE or devices like eastron-sdm630=12")
    turnaround_s = None if args.turnaround_ms is None else args.turnaround_ms / 1000
    lines = [_thought_of(args)] if args.config is None else _of_file(args)
    weighed = []
    for line in lines:
        budget = budget_of(line.name, line.setting, line.devices, turnaround_s)
        weighed.append((budget, advice(budget, line.devices, turnaround_s)))
    if args.json:
        print(json.dumps({"links": [_plain(*one) for one in weighed]}, indent=2))
    else:
        print("\n\n".join("\n".join(_told(*one)) for one in weighed))
        for line in lines:
            for device in line.devices:
                if line.setting is not None and not _is_serial(device):
                    print(f"warning: {device.name}: {device.profile.name} is not known to have a serial port")
    return DONE if all(budget.load <= 1 for budget, _ in weighed) else FAILED


def _thought_of(args: Namespace) -> Line:
    from baywarden_drivers.bench.budget import Wanted

    if args.serial is None and not args.tcp:
        raise WrongUse("say what the line is: --serial 9600/8N1 or --tcp")
    devices: list[Wanted] = []
    for text in args.devices:
        name, _, count = text.partition("=")
        if count and not (count.isdecimal() and 1 <= int(count) <= _MOST_DEVICES):
            raise WrongUse(f"{text!r}: say PROFILE or PROFILE=COUNT, with a count of 1 to {_MOST_DEVICES}")
        profile = one_profile(name, args.profiles)
        for _ in range(int(count or 1)):
            number = len(devices) + 1
            devices.append(Wanted(f"{profile.name} {number}", profile, unit=number, poll_s=args.poll_s))
    if len(devices) > _MOST_DEVICES:
        raise WrongUse(f"{len(devices)} devices: one line has {_MOST_DEVICES} unit numbers")
    setting = None if args.tcp else serial_setting(args.serial)
    if setting is not None:
        _check_wires(devices)
    return Line(str(setting or "one connection"), setting, devices)


def _check_wires(devices: "Sequence[Wanted]") -> None:
    """Raises WrongUse for devices that are not known to have a serial port."""
    alien = {one.profile.name for one in devices if not _is_serial(one)}
    if alien:
        raise WrongUse(
            f"{', '.join(sorted(alien))}: known on a network only, not on a serial line; weigh it with --tcp"
        )


def _is_serial(device: "Wanted") -> bool:
    wires = device.profile.transport
    return wires.rtu is not None or wires.rtu_over_tcp is not None


def _of_file(args: Namespace) -> list[Line]:
    """The lines of a site.toml that have devices. Raises ToolError with its faults."""
    from baywarden.settings import ConfigError, load_settings
    from baywarden_drivers.profile import usable_names

    own = folders_of(args.profiles)
    check_readable(args.config)
    try:
        settings = load_settings(
            args.config, profiles=lambda folder: usable_names([*own, folder]), files=False
        )
    except ConfigError as error:
        raise ToolError("\n".join(f"{args.config}: {fault}" for fault in error.faults)) from error
    lines = [line_of(settings, link, own) for link in settings.links]
    found = [line for line in lines if line.devices]
    if not found:
        raise ToolError(f"{args.config}: no link has a device")
    return found


def line_of(settings: "Settings", link: Any, own: Sequence[str] = ()) -> Line:
    """A link of site.toml with its devices; folders in `own` come before the site's."""
    from baywarden.settings.wires import SerialLink
    from baywarden_drivers.bench.budget import Wanted
    from baywarden_drivers.bench.line import Setting

    folders = [*own, settings.site.profile_folder]
    devices = [
        Wanted(evse.id, _profile(charger.profile, folders), evse.connector, charger.unit, charger.poll_s)
        for charger in settings.chargers
        if charger.link == link.id
        for evse in charger.evses
    ]
    devices += [
        Wanted(meter.id, _profile(meter.profile, folders), meter.connector, meter.unit, meter.poll_s)
        for meter in settings.meters
        if meter.link == link.id
    ]
    setting = Setting(link.baud, link.parity, link.stop_bits) if isinstance(link, SerialLink) else None
    return Line(link.id, setting, devices)


def _profile(name: str, folders: Sequence[str]) -> Any:
    from baywarden_drivers.profile import load_profile

    return load_profile(name, folders)


def _told(budget: "Budget", sentences: Sequence[str]) -> Iterator[str]:
    setting = (
        f", {budget.setting}" if budget.setting is not None and str(budget.setting) != budget.link else ""
    )
    yield f"{budget.link}{setting}: {_verdict(budget)}"
    yield f"Load {budget.load:.0%} of its time; the fastest round of all devices takes {budget.cycle_s:.2f} s."
    what = "from question to answer" if budget.setting is not None else "for a round trip on the network"
    yield f"Assumed: {budget.turnaround_s * 1000:g} ms {what} (--turnaround-ms)."
    yield ""
    yield from table(
        ["DEVICES", "PROFILE", "LOAD", "READS", "MS A POLL", "SLOW READS", "POLL S", "DEVICE'S OWN S"],
        [*_rows(budget)],
    )
    yield ""
    yield f"What to change: {sentences[0]}"
    for sentence in sentences[1:]:
        yield f"  {sentence}"


def _verdict(budget: "Budget") -> str:
    from baywarden_drivers.bench.budget import FULL

    if budget.load > 1:
        return "it cannot carry this"
    return (
        "it carries this"
        if budget.load <= FULL
        else "it carries this, with nothing left for repeats and writes"
    )


def _rows(budget: "Budget") -> Iterator[list[str]]:
    """Devices that cost the same in one row, the dearest first."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for share in sorted(budget.shares, key=lambda one: -one.load):
        figures = (
            share.profile,
            share.load,
            share.reads,
            share.hot_s,
            share.cold_reads,
            share.poll_s,
            share.own_s,
        )
        groups.setdefault(figures, []).append(share.name)
    for (profile, load, reads, hot_s, cold, poll_s, own_s), names in groups.items():
        yield [
            names[0] if len(names) == 1 else f"{len(names)}: {names[0]}..",
            profile,
            f"{load * len(names):.1%}",
            str(reads),
            f"{hot_s * 1000:.0f}",
            str(cold),
            f"{poll_s:g}",
            f"{own_s:.2f}",
        ]


def _plain(budget: "Budget", sentences: Sequence[str]) -> Mapping[str, Any]:
    return {
        "link": budget.link,
        "setting": None if budget.setting is None else asdict(budget.setting),
        "load": round(budget.load, 4),
        "cycle_s": round(budget.cycle_s, 4),
        "turnaround_ms": round(budget.turnaround_s * 1000, 3),
        "devices": [{**asdict(share), "load": round(share.load, 4)} for share in budget.shares],
        "advice": list(sentences),
    }
