"""`baywarden device identify`: who answers. Without a profile all of them are tried; nothing is written."""

import asyncio
import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from baywarden_config.asking import ask
from baywarden_config.catalogue import all_profiles
from baywarden_config.device.reach import daemon_id, opened, reaching, setting_of
from baywarden_config.device.values import lines_of
from baywarden_config.errors import DONE, FAILED, WrongUse
from baywarden_config.layout import said, table
from baywarden_config.places import host_port
from baywarden_config.progress import Bar

if TYPE_CHECKING:
    from baywarden_drivers.bench.identify import Who
    from baywarden_drivers.bench.line import Line

_LINE_TIMEOUT_S = 0.5
_NETWORK_TIMEOUT_S = 1.0


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    actions.add_parser("identify", help="find out who answers, or read who it is", parents=[reaching()])


def run(args: Namespace) -> int:
    """Print who it is; 1 when nobody known answers. Raises ToolError."""
    device_id = daemon_id(args)
    if device_id is not None:
        return _print_identity(args, ask(args, "device.identify", {"device": device_id})["data"])
    if args.profile is not None:
        return _print_identity(args, asyncio.run(_identity(args)))
    if args.trace is not None:
        raise WrongUse("--trace needs --profile here")
    return _search(args)


async def _identity(args: Namespace) -> Mapping[str, Any]:
    from baywarden_drivers.bench.rows import identity_answer

    async with opened(args) as device:
        return identity_answer(device, await device.identify())


def _print_identity(args: Namespace, answer: Mapping[str, Any]) -> int:
    if args.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return DONE
    print(f"{answer['vendor']} {answer['model']}, by its profile")
    print(f"Serial    {said(answer['serial'])}\nFirmware  {said(answer['firmware'])}")
    if answer["values"]:
        print("\n" + "\n".join(lines_of(answer["values"])))
    for sentence in answer["decisions"]:
        print(f"Decided: {sentence}")
    return DONE


def _search(args: Namespace) -> int:
    from baywarden_drivers.bench.identify import identify

    unit = 1 if args.unit is None else args.unit
    profiles = all_profiles(args.profiles)
    if args.serial is not None or args.rtu_over_tcp is not None:
        profiles = [one for one in profiles if one.transport.rtu or one.transport.rtu_over_tcp]
    bar = Bar()
    line = _line(args)
    try:
        who = identify(line, unit, profiles, lambda done, total: bar(done, total, f"unit {unit}"))
    finally:
        bar.clear()
        line.close()
    _print_who(args, unit, who, line.hung_up)
    return DONE if who.best is not None else FAILED


def _line(args: Namespace) -> "Line":
    from baywarden_drivers.bench.serial_line import SerialLine
    from baywarden_drivers.bench.tcp_line import TcpLine

    if args.serial is not None:
        return SerialLine(args.serial, setting_of(args, None), timeout_s=_LINE_TIMEOUT_S)
    if args.setting or args.baud or args.parity:
        raise WrongUse("--setting, --baud and --parity are for --serial")
    text, is_rtu = (args.tcp, False) if args.tcp is not None else (args.rtu_over_tcp, True)
    host, port = host_port(text)
    return TcpLine(host, port, rtu=is_rtu, timeout_s=_NETWORK_TIMEOUT_S)


def _print_who(args: Namespace, unit: int, who: "Who", hung_up: int) -> None:
    if args.json:
        answer = {
            "unit": unit,
            "candidates": [asdict(one) for one in who.candidates],
            "questions": who.questions,
            "sunspec": who.sunspec or None,
            "hung_up": hung_up,
        }
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    if who.heard == 0 and hung_up:
        print(
            f"{hung_up} times the connection was closed instead of an answer: mostly another master has the only one "
            "that the device allows; else it is no Modbus."
        )
        return
    if who.heard == 0:
        print(f"Unit {unit} does not answer ({who.questions} questions). `baywarden bus scan` looks further.")
        return
    if not who.candidates:
        print(f"Unit {unit} answers, but no profile fits. {who.sunspec}".rstrip())
        return
    rows = [
        [one.profile, f"{one.confidence:.0%}", ", ".join(one.reasons[:4]), ", ".join(one.against[:2])]
        for one in who.candidates
    ]
    print("\n".join(table(["PROFILE", "SURE", "FOR IT", "AGAINST IT"], rows)))
    if who.best is None:
        print("None of them is likely enough to be used without a look at the device's own manual.")
