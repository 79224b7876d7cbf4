"""`baywarden device new`: starts an operator's own profile from one that comes near."""

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, Final

from baywarden_config.catalogue import OWN_FOLDER, one_profile
from baywarden_config.errors import DONE, ToolError, WrongUse
from baywarden_drivers.reasons import reason_of

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")

HEAD: Final = """\
# {name}: a profile of our own, begun from {origin}.
#
# What to do:
#   1. Say what it is: vendor, model, summary, and in `sources` the manual and page that each number is from.
#   2. Compare every [[read]] and [[write]] with the device's register list. `address` is the number in the Modbus
#      request: a manual that counts from 1, or from 30001 and 40001, is one (or 30001, 40001) higher.
#   3. baywarden device check {path}
#   4. baywarden device read --tcp HOST --profile {path}        (or --serial PATH)
#   5. baywarden device test --tcp HOST --profile {path}
#
# A profile in this folder goes before a built-in one of the same name. The keys are those of the built-in profiles:
#   poll = "hot" (with every poll), "cold" (now and then), "once" (after each contact)
#   optional = true      not on all versions: asked for alone, and done without when it is refused
#   nan = ["0xFFFF"]     what the device says for "not available"
#   zero = "pause"       what it does with a limit of 0; only "pause" and "off" are safe ways to stop charging
#   cyclic = false       stored in flash: written as rarely as can be

"""


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "new", help="start a profile of your own from one that comes near"
    )
    parser.add_argument("name", metavar="NAME", help="name of the new profile: small letters, digits and -")
    parser.add_argument(
        "--from", dest="origin", required=True, metavar="PROFILE", help="the one to begin with"
    )
    parser.add_argument(
        "--profiles", metavar="FOLDER", help=f"write it there, for the daemon (default: {OWN_FOLDER})"
    )
    parser.add_argument("--out", metavar="FILE", help="write it there instead, to a name ending in .toml")


def run(args: Namespace) -> int:
    """Write the file. Raises WrongUse and ToolError."""
    from baywarden_drivers.profile.loader import BUNDLED, parse_profile

    if not NAME.fullmatch(args.name):
        raise WrongUse(f"{args.name!r} is no name of a profile: small letters, digits and -, two at least")
    if args.out is not None and args.profiles is not None:
        raise WrongUse("say where it is written: --profiles FOLDER or --out FILE, not both")
    if args.out is not None and not args.out.endswith(".toml"):
        raise WrongUse(f"--out {args.out}: the name of a profile's file ends in .toml")
    folder = Path(args.profiles or OWN_FOLDER)
    origin = one_profile(args.origin, [str(folder)] if folder.is_dir() else [])
    source = _file_of(args.origin, origin.name, [folder, BUNDLED])
    path = folder / f"{args.name}.toml" if args.out is None else Path(args.out)
    text = HEAD.format(name=args.name, origin=origin.name, path=path) + _own(
        source.read_text("utf-8"), origin.vendor
    )
    parse_profile(text, str(path), args.name)
    _write(path, text)
    print(f"{path.absolute()} is written, begun from {origin.name}.")
    if args.out is not None:
        print(f"The daemon finds it once it is in {OWN_FOLDER} (site.profile_folder).")
    print(f"Next: put in your device's registers, then `baywarden device check {path}`.")
    return DONE


def _file_of(given: str, name: str, folders: list[Path]) -> Path:
    """Where the text of a profile is. Raises WrongUse for a family of profiles, which has none."""
    if given.endswith(".toml") or "/" in given:
        return Path(given)
    for folder in folders:
        if (folder / f"{name}.toml").is_file():
            return folder / f"{name}.toml"
    raise WrongUse(f"{name!r} stands for several profiles; name one of them (`baywarden device list {name}`)")


def _own(text: str, vendor: str) -> str:
    """The same, without the opening comment of the other, and marked as not yet proved."""
    lines = text.splitlines()
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        lines.pop(0)
    own = "\n".join(lines) + "\n"
    return re.sub(r'(?m)^confidence = "\w+"$', 'confidence = "medium"', own, count=1)


def _write(path: Path, text: str) -> None:
    """Never over a file that is there: somebody's registers stand in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ToolError(
            f"{path} is there already and is not overwritten: take another name, or --out FILE"
        ) from None
    except OSError as error:
        raise ToolError(
            f"{path} cannot be written: {reason_of(error)}; --out FILE writes elsewhere"
        ) from error
