"""From a file to a checked profile."""

import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from baywarden_drivers.errors import Fault, ProfileError
from baywarden_drivers.profile import conduct, doubts, habits, points
from baywarden_drivers.profile.check import faults_between_parts
from baywarden_drivers.profile.complete import filled_in
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.reasons import complaint_of, nearest

BUNDLED = Path(__file__).parent.parent / "profiles"
_PARTS: Mapping[str, type[BaseModel]] = {
    "protocol": habits.Protocol,
    "connectors": habits.Connectors,
    "read": points.ReadPoint,
    "write": points.WritePoint,
    "derive": points.Derived,
    "status": conduct.Status,
    "control": conduct.Control,
    "startup": conduct.Startup,
    "failsafe": conduct.Failsafe,
    "doubt": doubts.Doubt,
}


FAMILIES: Mapping[str, tuple[str, ...]] = {"sunspec-meter": ("sunspec-meter-int", "sunspec-meter-float")}
"""Names that stand for several SunSpec profiles: the device says which of them fits, the first where two do."""
_MOST_INSTANCES = 64


def profile_names(folders: Iterable[str | Path] = ()) -> list[str]:
    """Names of all profiles that can be loaded, sorted."""
    return sorted({file.stem for folder in (*folders, BUNDLED) for file in Path(folder).glob("*.toml")})


def usable_names(folders: Iterable[str | Path] = ()) -> list[str]:
    """All names that `load_profile` takes: those of profiles, and of families of them."""
    return sorted({*profile_names(folders), *FAMILIES})


def load_profile(name_or_path: str | Path, folders: Iterable[str | Path] = ()) -> Profile:
    """The profile of that name (`folders` before the bundled ones) or path. Raises ProfileError."""
    folders = tuple(folders)
    if name_or_path in FAMILIES and not any(
        (Path(one) / f"{name_or_path}.toml").is_file() for one in folders
    ):
        return _family(str(name_or_path))
    path = _find(name_or_path, folders)
    try:
        status = path.stat()
    except OSError as error:
        raise ProfileError(str(path), [Fault("file", f"cannot be read: {error.strerror}")]) from error
    return _load(path, status.st_mtime_ns, status.st_size)


def parse_profile(text: str, source: str, name: str) -> Profile:
    """The profile written in `text`; `source` is what errors call it. Raises ProfileError with all faults."""
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(source, [Fault("file", f"is not TOML: {error}")]) from error
    if "name" in data:
        raise ProfileError(source, [Fault("name", "is the name of the file and not given inside it")])
    try:
        profile = filled_in(Profile.model_validate({**data, "name": name}))
    except ValidationError as error:
        raise ProfileError(source, [_fault(data, one) for one in error.errors()]) from None
    if faults := faults_between_parts(profile):
        raise ProfileError(source, faults)
    return profile


def _family(name: str) -> Profile:
    """The first profile of a family, with the models of all; any number of instances may be behind one address."""
    members = [load_profile(one) for one in FAMILIES[name]]
    habits = [one.protocol.sunspec for one in members if one.protocol.sunspec is not None]
    models = tuple(number for one in habits for number in one.models)
    sunspec = habits[0].model_copy(update={"models": models, "profiles": FAMILIES[name]})
    first = members[0]
    return first.changed(
        name=name,
        model="meter models " + ", ".join(map(str, models)),
        protocol=first.protocol.model_copy(update={"sunspec": sunspec}),
        connectors=first.connectors.model_copy(update={"count": _MOST_INSTANCES}),
    )


@lru_cache(maxsize=64)
def _load(path: Path, _mtime_ns: int, _size: int) -> Profile:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(str(path), [Fault("file", f"cannot be read: {error}")]) from error
    return parse_profile(text, str(path), path.stem)


def _find(name_or_path: str | Path, folders: tuple[str | Path, ...]) -> Path:
    if isinstance(name_or_path, Path) or "/" in name_or_path or name_or_path.endswith(".toml"):
        return Path(name_or_path)
    for folder in (*folders, BUNDLED):
        candidate = Path(folder) / f"{name_or_path}.toml"
        if candidate.is_file():
            return candidate
    known = usable_names(folders)
    near = nearest(name_or_path, known)
    hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
    raise ProfileError(name_or_path, [Fault("profile", f"no file {name_or_path}.toml; {hint}")])


def _fault(data: Mapping[str, Any], error: ErrorDetails) -> Fault:
    text = complaint_of(error)
    place = error["loc"]
    if error["type"] == "extra_forbidden":
        text = f"unknown key{_nearest(place)}"
    elif error["type"] == "missing":
        text = "is missing"
    elif not isinstance(error["input"], (dict, list, tuple, BaseModel)):
        text = f"{text}, not {_shown(error['input'])}"
    return Fault(_place(data, place), text)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)


def _nearest(place: tuple[int | str, ...]) -> str:
    """The known key that looks most like the one that is not."""
    part = _PARTS.get(str(place[0])) if len(place) > 1 else Profile
    if part is None:
        return ""
    known = [field.alias or name for name, field in part.model_fields.items()]
    near = nearest(str(place[-1]), known)
    return f"; did you mean {near!r}?" if near else ""


def _place(data: Mapping[str, Any], place: tuple[int | str, ...]) -> str:
    """`read 4 "current_l1".dtype` for ("read", 3, "dtype")."""
    here: Any = data
    text = ""
    for step in place:
        here = _inside(here, step)
        if isinstance(step, int):
            name = here.get("name") if isinstance(here, dict) else None
            text += f" {step + 1}" + (f' "{name}"' if name else "")
        else:
            text += f".{step}" if text else step
    return text or "file"


def _inside(here: Any, step: int | str) -> Any:
    try:
        return here[step]
    except (KeyError, IndexError, TypeError):
        return None
