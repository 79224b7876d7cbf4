"""Reads a site.toml and judges it as a whole."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from baywarden.settings.advice import faults_of
from baywarden.settings.checks import cross_faults
from baywarden.settings.errors import ConfigError, Fault
from baywarden.settings.files import missing_files, with_paths_located
from baywarden.settings.lines import line_of, lines_of
from baywarden.settings.odd import odd_settings
from baywarden.settings.tree import PROFILE_FOLDER, Settings

MAX_BYTES: Final = 4 * 1024 * 1024

Profiles = Iterable[str] | Callable[[Path], Iterable[str]]
"""Names of the device profiles that exist, or how to find them beside those of the operator's own folder."""


def load_settings(path: Path | str, *, profiles: Profiles | None = None, files: bool = True) -> Settings:
    """The settings in the file. Raises ConfigError with all of its faults.

    Without `profiles` the names of profiles are not checked; a callable is given site.profile_folder.
    `files=False` does not ask whether the files of [cloud] exist: they may come later, or be on another machine.
    """
    path = Path(path)
    return parse_settings(_text(path), file=str(path), folder=path.parent, profiles=profiles, files=files)


def parse_settings(
    text: str,
    *,
    file: str = "site.toml",
    folder: Path = Path(),
    profiles: Profiles | None = None,
    files: bool = True,
) -> Settings:
    """The settings in a text; relative paths are counted from `folder`. Raises ConfigError."""
    raw = with_paths_located(_toml(text, file), folder.absolute())
    settings, faults = _validated(raw)
    faults += cross_faults(raw, _names(raw, profiles))
    if files:
        faults += missing_files(raw)
    if settings is not None and not faults:
        faults += _failsafe_faults(settings)
    if settings is None or faults:
        raise ConfigError(file, with_lines(faults, text))
    return settings


def warnings_of(settings: Settings) -> tuple[Fault, ...]:
    """What is allowed but hardly meant."""
    return tuple(odd_settings(settings))


def with_lines(faults: Iterable[Fault], text: str) -> tuple[Fault, ...]:
    """The faults, each once, with their lines in the text of the file."""
    lines = lines_of(text)
    return tuple(replace(fault, line=line_of(fault.place, lines)) for fault in dict.fromkeys(faults))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(str(path), [Fault("", f"cannot be read: {why}")]) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(str(path), [Fault("", "is too large", f"at most {MAX_BYTES} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(str(path), [Fault("", "is no UTF-8 text", line=line)]) from error


def _toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+)", str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        problem = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise ConfigError(file, [Fault("", f"is no TOML: {problem}", line=line)]) from error


def _validated(raw: dict[str, Any]) -> tuple[Settings | None, list[Fault]]:
    try:
        return Settings.model_validate(raw), []
    except ValidationError as error:
        return None, list(faults_of(error))


def _names(raw: dict[str, Any], profiles: Profiles | None) -> Iterable[str] | None:
    if not callable(profiles):
        return profiles
    site = raw.get("site")
    folder = site.get("profile_folder") if isinstance(site, dict) else None
    return profiles(Path(folder if isinstance(folder, str) else PROFILE_FOLDER))


def _failsafe_faults(settings: Settings) -> Iterator[Fault]:
    """Circuits whose fuse would not hold if the gateway died."""
    from baywarden.policy.circuits import failsafe_sum_faults  # noqa: PLC0415 (only a sound file gets here)

    at = {circuit.id: index for index, circuit in enumerate(settings.circuits)}
    for fault in failsafe_sum_faults(settings.rules()):
        yield Fault(
            f"circuits[{at[fault.circuit_id]}]", str(fault), "a higher limit_a or lower failsafe_current_a"
        )
