"""The kinds of value in site.toml, each with a message that says what would do."""

import re
from collections.abc import Callable, Iterable
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Never

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict
from pydantic import WithJsonSchema as Schema
from pydantic_core import PydanticCustomError

from baywarden.settings.errors import nearest

ID_PATTERN: Final = r"^[a-z0-9-]{1,36}$"
MAX_SOCKET_PATH: Final = 107


class Table(BaseModel):
    """A table of site.toml: unknown keys are faults, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def refuse(problem: str, accepted: str = "", near: str | None = None) -> Never:
    """Reject a value with advice."""
    raise PydanticCustomError(
        "advice", "{problem}", {"problem": problem, "accepted": accepted, "nearest": near}
    )


def milli(amount: Decimal) -> int:
    """Thousandths as a whole number (amperes to mA, seconds to ms)."""
    return int(amount * 1000)


def as_ms(seconds: float) -> int:
    """Seconds as written in the file to whole milliseconds."""
    return int(Decimal(str(seconds)) * 1000)


def _identifier(word: str) -> str:
    if not re.fullmatch(ID_PATTERN, word):
        made = re.sub(r"[^a-z0-9-]+", "-", word.lower()).strip("-")[:36]
        refuse(f"{word!r} is no id", "1 to 36 of a-z, 0-9 and -", made or None)
    return word


def _amps(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        refuse("must be a number of amperes", "like 16 or 13.8, without quotes")
    amps = Decimal(str(value))
    if not amps.is_finite() or amps * 1000 != int(amps * 1000):
        refuse(f"{value} is not an exact current", "at most three decimals")
    return amps


def _zero_or_six(amps: Decimal) -> Decimal:
    if 0 < amps < 6:
        refuse(f"{amps} A cannot charge a car", "0, or 6 to 80")
    return amps


def _money(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        refuse("money is written in quotes, so that no cent is lost", 'like "0.10"')
    try:
        amount = Decimal(value)
    except InvalidOperation:
        refuse(f"{value!r} is no amount", 'a decimal in quotes, like "0.10"')
    if not amount.is_finite() or amount < 0:
        refuse(f"{value!r} is no amount", "zero or more")
    return amount


def _local_time(value: Any) -> time:
    if isinstance(value, time):
        return value
    if value == "24:00":
        return time(0)
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", value):
        refuse(f"{value!r} is no time of day", 'local time in quotes, like "20:00"')
    return time.fromisoformat(value)


def _never(value: Any) -> Any:
    return None if value == "never" else value


def one_of(known: Callable[[], Iterable[str]], what: str) -> AfterValidator:
    """A word out of a long list that is only asked for advice; `what` names the kind."""

    def check(word: str) -> str:
        names = set(known())
        if word not in names:
            refuse(f"{word!r} is no {what}", near=nearest(word, names))
        return word

    return AfterValidator(check)


def _socket_path(path: str) -> str:
    if not path.startswith("/") or len(path.encode()) > MAX_SOCKET_PATH:
        refuse("is no usable socket path", f"an absolute path of at most {MAX_SOCKET_PATH} bytes")
    return path


_as_number = PlainSerializer(float, when_used="json")
_MONEY: Final = Schema({"type": "string", "pattern": r"^\d+(\.\d+)?$"})

Id = Annotated[str, AfterValidator(_identifier), Schema({"type": "string", "pattern": ID_PATTERN})]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict(), Field(ge=0, le=2**31)]
Positive = Annotated[int, Strict(), Field(ge=1, le=2**31)]
Seconds = Annotated[float, Strict(), Field(gt=0, le=86_400, allow_inf_nan=False)]
Port = Annotated[int, Strict(), Field(ge=1, le=65_535)]
Percent = Annotated[int, Strict(), Field(ge=0, le=100)]
Unit = Annotated[int, Strict(), Field(ge=0, le=255)]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
SocketPath = Annotated[str, AfterValidator(_socket_path)]
OutletAmps = Annotated[
    Decimal,
    BeforeValidator(_amps),
    Field(ge=6, le=80),
    _as_number,
    Schema({"type": "number", "minimum": 6, "maximum": 80}),
]
FailsafeAmps = Annotated[
    Decimal,
    BeforeValidator(_amps),
    Field(ge=0, le=80),
    AfterValidator(_zero_or_six),
    _as_number,
    Schema({"type": "number", "minimum": 0, "maximum": 80}),
]
FuseAmps = Annotated[
    Decimal,
    BeforeValidator(_amps),
    Field(ge=6, le=6300),
    _as_number,
    Schema({"type": "number", "minimum": 6, "maximum": 6300}),
]
LoadAmps = Annotated[
    Decimal,
    BeforeValidator(_amps),
    Field(ge=0, le=6300),
    _as_number,
    Schema({"type": "number", "minimum": 0, "maximum": 6300}),
]
Money = Annotated[Decimal, BeforeValidator(_money), PlainSerializer(str, when_used="json"), _MONEY]
LocalTime = Annotated[
    time, BeforeValidator(_local_time), Schema({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d)?$"})
]
SecondsOrNever = Annotated[
    Whole | None,
    BeforeValidator(_never),
    PlainSerializer(lambda seconds: "never" if seconds is None else seconds, when_used="json"),
    Schema({"anyOf": [{"type": "integer", "minimum": 0}, {"const": "never"}]}),
]
