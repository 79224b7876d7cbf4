"""Records of the model as JSON and back, exactly: decimals, UTC moments, enums, tuples and sets."""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from baywarden.model.command import Reply
from baywarden.ports.store import StoreDamaged

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {}


def _adapter(model: type) -> TypeAdapter[Any]:
    # Built when first needed: each costs milliseconds that a start has better use for.
    known = _ADAPTERS.get(model)
    if known is None:
        known = _ADAPTERS[model] = TypeAdapter(model)
    return known


def encode(record: object) -> bytes:
    """The record as compact JSON. Raises ValueError for one that would not come back."""
    if isinstance(record, Reply):
        record = replace(record, data=_thawed(record.data))
    # "error": a field of a wrong type must not be written, the next start could not read it.
    return _adapter(type(record)).dump_json(record, warnings="error")


def _thawed(value: Any) -> Any:
    """Read-only mappings as plain ones, all the way down."""
    if isinstance(value, Mapping):
        return {key: _thawed(inner) for key, inner in value.items()}
    return [_thawed(inner) for inner in value] if isinstance(value, list | tuple) else value


def decode(model: type[T], body: str | bytes) -> T:
    """The record that was encoded. Raises StoreDamaged when `body` is not one."""
    try:
        record: T = _adapter(model).validate_json(body, strict=True)
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise StoreDamaged(f"a stored {model.__name__.lower()} cannot be read: {why}") from error
    return record


def check_sum(body: bytes) -> int:
    """CRC-32: the database's own check lets most flipped bits pass, this one none."""
    return zlib.crc32(body)


def to_us(at: datetime) -> int:
    """Whole microseconds since 1970, so that moments sort as numbers."""
    return (at - _EPOCH) // _MICROSECOND


def from_us(at_us: int) -> datetime:
    """The moment that `to_us` was given."""
    return _EPOCH + at_us * _MICROSECOND
