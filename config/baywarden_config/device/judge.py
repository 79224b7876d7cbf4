"""`baywarden device check`: every fault of a profile with its place, then what it lacks, then what it can do."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baywarden_config.errors import DONE, FAILED
from baywarden_config.paths import check_readable

if TYPE_CHECKING:
    from baywarden_drivers.profile import Profile


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "check", help="judge a profile: faults, warnings, what it can do"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the profile, ending in .toml")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: Namespace) -> int:
    """Print the verdict; 1 when the profile has faults."""
    from baywarden_drivers.bench.judge import warnings_of
    from baywarden_drivers.errors import ProfileError
    from baywarden_drivers.profile import load_profile

    check_readable(args.file)
    try:
        profile = load_profile(args.file)
    except ProfileError as error:
        return _print_faults(args, error)
    warnings = warnings_of(profile)
    if args.json:
        answer = {"ok": True, "file": str(args.file), "faults": [], "warnings": warnings, **_facts(profile)}
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return DONE
    for warning in warnings:
        print(f"{args.file}: warning: {warning}")
    facts = _facts(profile)
    print(
        f"{args.file} is sound: {profile.vendor} {profile.model}, a {profile.kind} on {', '.join(facts['transports'])}."
    )
    print(f"It can: {', '.join(facts['capabilities']) or 'nothing that a site asks for'}.")
    on_wire = f"on {facts['setting']}" if facts["setting"] else "on a network"
    print(
        f"A poll is {facts['reads_per_poll']} reads and {facts['ms_per_poll']} ms of the wire {on_wire}; "
        f"{facts['slow_reads']} further reads are made once in 30 s."
    )
    return DONE


def _print_faults(args: Namespace, error: Any) -> int:
    faults = [{"place": fault.place, "text": fault.text} for fault in error.faults]
    if args.json:
        print(json.dumps({"ok": False, "file": str(args.file), "faults": faults, "warnings": []}, indent=2))
        return FAILED
    for fault in faults:
        print(f"{args.file}: {fault['place']}: {fault['text']}")
    print(f"{len(faults)} fault{'s' if len(faults) != 1 else ''}.")
    return FAILED


def _facts(profile: "Profile") -> dict[str, Any]:
    from baywarden_drivers.bench.budget import ROUND_TRIP_S, TURNAROUND_S, Timing, Wanted, share_of
    from baywarden_drivers.bench.capabilities import capabilities, transports
    from baywarden_drivers.bench.line import Setting

    rtu = profile.transport.rtu
    setting = None if rtu is None else Setting(rtu.baud, rtu.parity, rtu.stop_bits)
    share = share_of(
        Wanted(profile.name, profile), Timing(setting, ROUND_TRIP_S if rtu is None else TURNAROUND_S)
    )
    return {
        "transports": transports(profile),
        "capabilities": capabilities(profile),
        "setting": None if setting is None else str(setting),
        "reads_per_poll": share.reads,
        "slow_reads": share.cold_reads,
        "ms_per_poll": round(share.hot_s * 1000),
    }
