"""An overstay policy in a file of its own, TOML or JSON, with the field names of DOMAIN 2.3."""

import json
import tomllib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, Strict, ValidationError

from baywarden.model.overstay import OverstayPolicy
from baywarden.settings.advice import faults_of
from baywarden.settings.agreements import OverstaySettings
from baywarden.settings.errors import ConfigError, Fault
from baywarden.settings.kinds import Flag, Table, Text, refuse
from baywarden.settings.lines import line_of, lines_of
from baywarden.settings.world import Currency, TimeZone, minor_digits_of

MAX_BYTES: Final = 1024 * 1024
_EVERY_DAY_HAS: Final = "UTC"


def _current(word: str) -> str:
    if word not in ("AC", "DC"):
        refuse(f"{word!r} is no kind of current", "AC, DC")
    return word


class AppliesTo(Table):
    """For whom and where the policy holds; an empty list is everybody or everywhere."""

    evse_groups: tuple[Text, ...] = Field((), description="groups of outlets")
    token_groups: tuple[Text, ...] = Field((), description="groups of drivers")
    current: Annotated[str, AfterValidator(_current)] | None = Field(None, description="AC or DC only")


class PolicyFile(OverstaySettings):
    """The whole file. What site.toml takes from the site stands here itself."""

    id: Text = Field(description="name of the policy")
    currency: Currency = Field(description="ISO 4217")
    minor_digits: Annotated[int, Strict(), Field(ge=0, le=4)] | None = Field(
        None, description="decimal digits of the currency; without it by ISO 4217"
    )
    tz: TimeZone | None = Field(None, description="IANA zone of the exempt hours and of the cap of a day")
    tax_included: Flag = Field(True, description="whether the amounts hold the tax")
    applies_to: AppliesTo = Field(AppliesTo(), description="for whom and where it holds")

    def policy(self) -> OverstayPolicy:
        """The policy as the rules know it."""
        digits = minor_digits_of(self.currency) if self.minor_digits is None else self.minor_digits
        return self.to_policy(self.id, self.currency, digits, _EVERY_DAY_HAS)


def load_policy(path: Path) -> OverstayPolicy:
    """The policy in the file. Raises ConfigError with all of its faults, OSError when it cannot be read."""
    text = _text(path)
    raw = _json(text, path) if path.suffix.lower() == ".json" else _toml(text, path)
    faults = list(_unzoned(raw))
    try:
        found = PolicyFile.model_validate(raw)
    except ValidationError as error:
        faults += faults_of(error, PolicyFile)
    if faults:
        lines = {} if path.suffix.lower() == ".json" else lines_of(text)
        raise ConfigError(
            str(path),
            [
                Fault(fault.place, fault.problem, fault.accepted, fault.nearest, line_of(fault.place, lines))
                for fault in faults
            ],
        )
    return found.policy()


def _unzoned(raw: dict[str, Any]) -> list[Fault]:
    """Local hours and days mean nothing without a zone."""
    local = [key for key in ("exempt", "cap_per_day") if raw.get(key)]
    if local and "tz" not in raw:
        return [Fault("tz", f"is missing, and {local[0]} is in local time", 'like "Europe/Berlin"')]
    return []


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ConfigError(str(path), [Fault("", "is too large", f"at most {MAX_BYTES} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(str(path), [Fault("", "is no UTF-8 text", line=line)]) from error


def _toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=_exact)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(str(path), [Fault("", f"is no TOML: {error}")]) from error


def _json(text: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_float=_exact)
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise ConfigError(str(path), [Fault("", f"is no JSON: {error}", line=line)]) from error
    if not isinstance(found, dict):
        raise ConfigError(str(path), [Fault("", "must be an object with the fields of a policy")])
    return found


def _exact(text: str) -> Decimal | float:
    """A number as it is written; TOML's inf and nan stay floats, which are no money."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return float(text)
    return number if number.is_finite() else float(text)
