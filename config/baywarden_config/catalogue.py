"""The profiles that can be used: those that come along and the operator's own, with what is wrong with the latter."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from baywarden_config.errors import WrongUse

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from baywarden_drivers.profile import Profile

OWN_FOLDER: Final = "/etc/baywarden/profiles"
"""Where site.toml looks for an operator's own profiles by default."""


def add_folders(parser: "ArgumentParser") -> None:
    """The option that says where an operator's own profiles are."""
    parser.add_argument(
        "--profiles",
        action="append",
        default=[],
        metavar="FOLDER",
        help=f"look for profiles here first (default: {OWN_FOLDER}, where it exists)",
    )


def folders_of(given: Sequence[str]) -> list[str]:
    """The folders to look in. Raises WrongUse for one that is not there."""
    for folder in given:
        if not Path(folder).is_dir():
            raise WrongUse(f"--profiles {folder}: there is no such folder")
    return list(given) or [folder for folder in (OWN_FOLDER,) if Path(folder).is_dir()]


def all_profiles(given: Sequence[str]) -> list["Profile"]:
    """Every profile, by name; a faulty one of the operator is told on standard error and left out."""
    from baywarden_drivers.errors import ProfileError  # noqa: PLC0415 (loads pydantic)
    from baywarden_drivers.profile import load_profile, profile_names  # noqa: PLC0415 (loads pydantic)

    folders = folders_of(given)
    profiles = []
    for name in profile_names(folders):
        try:
            profiles.append(load_profile(name, folders))
        except ProfileError as error:
            print(f"baywarden: left out, because it has faults: {error}", file=sys.stderr)
    return profiles


def built_in_profiles() -> list["Profile"]:
    """The profiles that come with the program, by name, whatever folders of an operator there are."""
    from baywarden_drivers.profile import load_profile, profile_names  # noqa: PLC0415 (loads pydantic)

    return [load_profile(name) for name in profile_names()]


def one_profile(name: str, given: Sequence[str]) -> "Profile":
    """The profile of that name or path. Raises WrongUse."""
    from baywarden_drivers.errors import ProfileError  # noqa: PLC0415 (loads pydantic)
    from baywarden_drivers.profile import load_profile  # noqa: PLC0415 (loads pydantic)

    try:
        return load_profile(name, folders_of(given))
    except ProfileError as error:
        raise WrongUse(str(error)) from error
