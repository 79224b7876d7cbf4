"""`baywarden config`: write, check and show site.toml."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from baywarden_config.errors import DONE, FAILED, WrongUse
from baywarden_config.paths import check_readable, opened_new

if TYPE_CHECKING:
    from baywarden.settings import Fault, Settings

DEFAULT_FILE: Final = "/etc/baywarden/site.toml"
STARTER: Final = Path(__file__).with_name("starter.toml")


def add_parser(subparsers: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = subparsers.add_parser("config", help="write, check and show site.toml")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    _add_init(actions.add_parser("init", help="write a starter file to go on from"))
    check = actions.add_parser("check", help="find every fault in a file")
    show = actions.add_parser("show", help="the settings in force, with all defaults")
    for one in (check, show):
        one.add_argument("file", metavar="FILE", nargs="?", default=DEFAULT_FILE, help="default: %(default)s")
        one.add_argument("--json", action="store_true", help="print JSON")
        one.add_argument(
            "--elsewhere",
            action="store_true",
            help="the file is for another machine: its secrets need not be here",
        )
    schema = actions.add_parser("schema", help="every key of site.toml, as JSON Schema")
    schema.add_argument("--markdown", action="store_true", help="as tables for reading")


def run(args: Namespace) -> int:
    """Perform the chosen action."""
    return {"init": _init, "check": _check, "show": _show, "schema": _schema}[args.action](args)


def _add_init(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--out", metavar="FILE", default="site.toml", help="file to write, - to print (default: %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the file")
    parser.add_argument(
        "--site-id", metavar="ID", default="my-site", help="id of the site (default: %(default)s)"
    )
    parser.add_argument(
        "--time-zone", metavar="ZONE", default="Europe/Berlin", help="IANA zone (default: %(default)s)"
    )
    parser.add_argument(
        "--currency", metavar="CODE", default="EUR", help="ISO 4217 code (default: %(default)s)"
    )


def _init(args: Namespace) -> int:
    from baywarden.settings import ConfigError, parse_settings

    text = STARTER.read_text(encoding="utf-8")
    for usual, chosen in (
        ("my-site", args.site_id),
        ("Europe/Berlin", args.time_zone),
        ("EUR", args.currency),
    ):
        text = text.replace(f'"{usual}"', json.dumps(chosen))
    try:
        parse_settings(text)
    except ConfigError as error:
        raise WrongUse("\n".join(str(fault) for fault in error.faults)) from error
    if args.out == "-":
        sys.stdout.write(text)
        return DONE
    _write(Path(args.out), text, args.force)
    print(f"{args.out} is written. Next: put in your devices, then `baywarden config check {args.out}`.")
    return DONE


def _write(path: Path, text: str, force: bool) -> None:
    with opened_new(path, force=force) as file:
        file.write(text)


def _check(args: Namespace) -> int:
    from baywarden.settings import ConfigError, warnings_of, with_lines
    from baywarden_config.fitting import device_faults
    from baywarden_config.misfits import device_warnings

    try:
        settings = _load(args)
        text = Path(args.file).read_text(encoding="utf-8-sig")
        if faults := with_lines(device_faults(settings), text):
            raise ConfigError(args.file, faults)
    except ConfigError as error:
        return _print_faults(args, error.faults)
    warnings = with_lines([*warnings_of(settings), *device_warnings(settings)], text)
    counts = _counts(settings)
    if args.json:
        print(
            json.dumps(
                {"ok": True, "file": args.file, "faults": [], "warnings": _plain(warnings), **counts},
                indent=2,
            )
        )
        return DONE
    for warning in warnings:
        print(f"{args.file}:{warning.line or 1}: warning: {warning}")
    found = ", ".join(_counted(*count) for count in counts.items())
    print(f"{args.file} is sound: {found}; {_cloud(settings)}.")
    return DONE


def _print_faults(args: Namespace, faults: tuple["Fault", ...]) -> int:
    if args.json:
        print(
            json.dumps({"ok": False, "file": args.file, "faults": _plain(faults), "warnings": []}, indent=2)
        )
        return FAILED
    for fault in faults:
        print(f"{args.file}:{fault.line or 1}: {fault}", file=sys.stderr)
    print(f"{len(faults)} fault{'s' if len(faults) > 1 else ''}.", file=sys.stderr)
    return FAILED


def _show(args: Namespace) -> int:
    from baywarden.settings import ConfigError
    from baywarden_config.toml import toml_text

    try:
        settings = _load(args)
    except ConfigError as error:
        return _print_faults(args, error.faults)
    plain = _without_null(settings.model_dump(mode="json"))
    sys.stdout.write(
        json.dumps(plain, indent=2, ensure_ascii=False) + "\n" if args.json else toml_text(plain)
    )
    return DONE


def _without_null(value: Any) -> Any:
    """What is not set is left out, as in a file."""
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    return [_without_null(inner) for inner in value] if isinstance(value, list) else value


def _schema(args: Namespace) -> int:
    from baywarden.settings import Settings
    from baywarden_config.reference import key_tables

    if args.markdown:
        print(key_tables(Settings))
        return DONE
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return DONE


def _load(args: Namespace) -> "Settings":
    from baywarden.settings import load_settings
    from baywarden_drivers.profile import usable_names

    check_readable(args.file)
    return load_settings(args.file, profiles=lambda folder: usable_names([folder]), files=not args.elsewhere)


def _counts(settings: "Settings") -> Mapping[str, int]:
    return {
        "links": len(settings.links),
        "chargers": len(settings.chargers),
        "outlets": sum(len(charger.evses) for charger in settings.chargers),
        "meters": len(settings.meters),
        "circuits": len(settings.circuits),
    }


def _counted(things: str, number: int) -> str:
    return f"{number} {things if number != 1 else things[:-1]}"


def _cloud(settings: "Settings") -> str:
    cloud = settings.cloud
    return f"broker {cloud.host}:{cloud.port}" if cloud else "no broker"


def _plain(faults: Iterable["Fault"]) -> list[dict[str, Any]]:
    return [asdict(fault) for fault in faults]
