"""The files that site.toml names: where they are, whether they are there, who can read them."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from baywarden.settings.errors import Fault
from baywarden.settings.tree import CloudSettings

FILES: Final = ("password_file", "ca_file", "cert_file", "key_file")
CREDENTIALS: Final = "/run/credentials/"
PATHS: Final = (*FILES, "profile_folder")
SECRETS: Final = ("password_file", "key_file")


def with_paths_located(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The file's content with relative paths of files counted from the folder of site.toml."""
    return {
        name: _located(table, folder) if name in ("site", "cloud") and isinstance(table, dict) else table
        for name, table in raw.items()
    }


def _located(table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {
        key: str(folder / value) if key in PATHS and isinstance(value, str) and value else value
        for key, value in table.items()
    }


def missing_files(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Files that [cloud] names and that cannot be read."""
    cloud = raw.get("cloud")
    for key in FILES:
        name = cloud.get(key) if isinstance(cloud, dict) else None
        if not isinstance(name, str) or not name or os.access(name, os.R_OK) or _of_the_unit(name):
            continue
        known = "is not there" if not Path(name).exists() else "cannot be read by this user"
        yield Fault(f"cloud.{key}", f"{name} {known}", "a file that the daemon can read")


def _of_the_unit(name: str) -> bool:
    """Whether systemd makes the file, and we are not in that unit and cannot see it."""
    return name.startswith(CREDENTIALS) and "CREDENTIALS_DIRECTORY" not in os.environ


def loose_files(cloud: CloudSettings) -> Iterator[Fault]:
    """Secrets that everybody on the machine can read."""
    for key in SECRETS:
        name = getattr(cloud, key)
        if name and Path(name).exists() and Path(name).stat().st_mode & stat.S_IROTH:
            yield Fault(f"cloud.{key}", f"everybody on this machine can read {name}", "mode 0640 or 0600")
