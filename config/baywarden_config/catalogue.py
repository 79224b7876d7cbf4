"""The profiles that can be used: those that come along and the operator's own, with what is wrong with the latter."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from baywarden_config.errors import ToolError, WrongUse
from baywarden_config.paths import check_readable

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


def all_profiles(given: Sequence[str], *, families: bool = False) -> list["Profile"]:
    """Every profile, by name; a faulty one of the operator is told on standard error and left out.

    `families` are names that stand for several profiles: the device says which of them fits.
    """
    from baywarden_drivers.errors import ProfileError
    from baywarden_drivers.profile import load_profile, profile_names, usable_names

    folders = folders_of(given)
    profiles = []
    for name in usable_names(folders) if families else profile_names(folders):
        try:
            profiles.append(load_profile(name, folders))
        except ProfileError as error:
            print(f"baywarden: left out, because it has faults: {error}", file=sys.stderr)
    return profiles


def built_in_profiles() -> list["Profile"]:
    """The profiles and families that come with the program, by name, whatever folders of an operator there are."""
    from baywarden_drivers.profile import load_profile, usable_names

    return [load_profile(name) for name in usable_names()]


def one_profile(name: str, given: Sequence[str]) -> "Profile":
    """The profile of that name or path. Raises WrongUse where there is none, and ToolError where it has faults."""
    from baywarden_drivers.errors import ProfileError
    from baywarden_drivers.profile import load_profile, usable_names

    folders = folders_of(given)
    if is_path(name):
        check_readable(name)
    try:
        return load_profile(name, folders)
    except ProfileError as error:
        if is_path(name) or name in usable_names(folders):
            raise ToolError(str(error)) from error
        raise WrongUse(f"there is no profile {name!r}; {error.faults[0].text.partition('; ')[2]}") from error


def is_path(name: str) -> bool:
    """Whether it names a file rather than a profile of the catalogue."""
    return "/" in name or name.endswith(".toml")
