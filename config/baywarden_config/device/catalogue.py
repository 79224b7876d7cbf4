"""`baywarden device list`: every profile that can be used; with `--markdown` the page docs/devices.md."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from baywarden_config.catalogue import add_folders, all_profiles, built_in_profiles
from baywarden_config.errors import DONE, FAILED
from baywarden_config.layout import table

if TYPE_CHECKING:
    from baywarden_drivers.profile import Profile

INTRODUCTION: Final = """# Devices

The chargers and meters that Baywarden knows by data. This page is made from the profiles:

    baywarden device list --markdown > docs/devices.md

`medium` confidence means one source, or sources that contradict each other in main points; nothing here was measured
on hardware by this project. An operator adds a device with `baywarden device new` (see [field](field.md)).
"""
PLURALS: Final = {"charger": "Chargers", "meter": "Meters"}


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser("list", help="the catalogue of profiles")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only those in which every word stands")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print JSON")
    shape.add_argument(
        "--markdown", action="store_true", help="print the page docs/devices.md: the built-in profiles"
    )
    add_folders(parser)


def run(args: Namespace) -> int:
    """Print the profiles; 1 when none is left by the words."""
    known = (
        built_in_profiles()
        if args.markdown and not args.profiles
        else all_profiles(args.profiles, families=True)
    )
    profiles = [one for one in known if all(_has(one, word) for word in args.words)]
    if args.json:
        print(json.dumps({"profiles": [_plain(one) for one in profiles]}, indent=2, ensure_ascii=False))
    elif args.markdown:
        print("\n".join(_page(profiles)))
    elif profiles:
        print(
            "\n".join(table(["PROFILE", "DEVICE", "KIND", "WIRES", "CONFIDENCE", "CAN"], [*_rows(profiles)]))
        )
    else:
        print("There is no such profile; `baywarden device new` starts one of your own.")
    return DONE if profiles else FAILED


def _has(profile: "Profile", word: str) -> bool:
    from baywarden_drivers.bench.capabilities import capabilities, transports

    texts = (
        profile.name, profile.vendor, profile.model, profile.kind, profile.confidence, profile.summary,
        *profile.covers, *transports(profile), *capabilities(profile),
    )  # fmt: skip
    return any(word.lower() in text.lower() for text in texts)


def _rows(profiles: "Sequence[Profile]") -> Iterator[list[str]]:
    from baywarden_drivers.bench.capabilities import capabilities, transports

    for one in profiles:
        yield [
            one.name,
            f"{one.vendor} {one.model}",
            one.kind,
            ", ".join(transports(one)),
            one.confidence,
            ", ".join(capabilities(one)),
        ]


def _plain(profile: "Profile") -> dict[str, Any]:
    from baywarden_drivers.bench.capabilities import capabilities, transports

    return {
        "profile": profile.name,
        "vendor": profile.vendor,
        "model": profile.model,
        "covers": list(profile.covers),
        "kind": profile.kind,
        "confidence": profile.confidence,
        "summary": profile.summary,
        "transports": transports(profile),
        "capabilities": capabilities(profile),
        "failsafe": None if profile.failsafe is None else profile.failsafe.trigger,
        "doubts": [{"name": one.name, "text": one.text, "decide": one.decide} for one in profile.doubt],
        "notes": list(profile.notes),
        "read": [one.name for one in profile.read],
        "write": [one.name for one in profile.write],
        "sources": list(profile.sources),
    }


def _page(profiles: "Sequence[Profile]") -> Iterator[str]:
    yield INTRODUCTION
    for kind, title in PLURALS.items():
        chosen = [one for one in profiles if one.kind == kind]
        if not chosen:
            continue
        yield f"## {title}\n"
        yield f"{len(chosen)} profiles.\n"
        yield "| profile | device | wires (factory setting) | confidence | can | open questions |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for one in chosen:
            yield _line(one)
        yield ""
    yield "## What the fail-safes want\n"
    yield "| charger | falls to its safe current when | fed by |"
    yield "| --- | --- | --- |"
    for one in profiles:
        if one.failsafe is not None:
            words = (one.failsafe.trigger, one.failsafe.heartbeat)
            yield f"| `{one.name}` | {words[0].replace('_', ' ')} | {words[1].replace('_', ' ')} |"


def _line(profile: "Profile") -> str:
    from baywarden_drivers.bench.capabilities import capabilities, transport_facts

    open_doubts = [one for one in profile.doubt if one.decide == "never"]
    decided = len(profile.doubt) - len(open_doubts)
    questions = [one.name.replace("_", " ") for one in open_doubts]
    if decided:
        questions.append(f"{decided} decided by the device itself")
    cells = (
        f"`{profile.name}`",
        f"{profile.vendor} {profile.model}",
        ", ".join(transport_facts(profile)),
        profile.confidence,
        ", ".join(capabilities(profile)),
        ", ".join(questions),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
