"""From the bytes of either door to a Command, and from a Reply to bytes."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from baywarden.model.command import Command, Door, Reason, Reply
from baywarden.model.time import Now
from baywarden.sync.envelope import rfc3339
from baywarden.sync.errors import CommandRefused
from baywarden.sync.requests import (
    CLOUD_ONLY,
    REPLAY_REQUEST,
    SITE_REQUESTS,
    SNAPSHOT_REQUEST,
    Envelope,
    ReplayParams,
    SiteParams,
    SnapshotParams,
)

MAX_COMMAND_BYTES: Final = 64 * 1024
_ID: Final = re.compile(r"[!-~]{1,64}")
_WHAT_IS_RIGHT: Final[Mapping[str, str]] = {
    "missing": "is required",
    "int_type": "must be a whole number",
    "string_type": "must be text",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
_EnvelopeT = TypeVar("_EnvelopeT", bound=Envelope[Any])


class SnapshotOrder(NamedTuple):
    """A page of a snapshot that was asked for."""

    id: str
    wanted: SnapshotParams


class ReplayOrder(NamedTuple):
    """A replay that was asked for."""

    id: str
    wanted: ReplayParams


def parse_command(name: str, payload: bytes, *, door: Door, now: Now) -> Command:
    """The command, if it is in good order and in time. Raises CommandRefused."""
    command = read_command(name, payload, door=door)
    refuse_expired(command.id, command.expires_at, now)
    return command


def read_command(name: str, payload: bytes, *, door: Door) -> Command:
    """The command, however late it is: a repeated one must get its first answer. Raises CommandRefused."""
    model = SITE_REQUESTS.get(name)
    if model is None:
        known = ", ".join(sorted([*SITE_REQUESTS, *CLOUD_ONLY]))
        raise CommandRefused(
            peek_id(payload), Reason.NOT_SUPPORTED, f"no command {name[:64]!r}; known: {known}"
        )
    envelope = _read(model, payload, door)
    params = envelope.params
    assert isinstance(params, SiteParams)
    return Command(envelope.id, name, params.request(), door, envelope.issued_at, envelope.expires_at)


def read_replay(payload: bytes, *, door: Door, now: Now) -> ReplayOrder:
    """The body of a `replay`. Raises CommandRefused."""
    envelope = _read(REPLAY_REQUEST, payload, door)
    refuse_expired(envelope.id, envelope.expires_at, now)
    return ReplayOrder(envelope.id, envelope.params)


def read_snapshot(payload: bytes, *, door: Door, now: Now) -> SnapshotOrder:
    """The body of a `snapshot.get`. Raises CommandRefused."""
    envelope = _read(SNAPSHOT_REQUEST, payload, door)
    refuse_expired(envelope.id, envelope.expires_at, now)
    return SnapshotOrder(envelope.id, envelope.params)


def refuse_expired(command_id: str, expires_at: datetime | None, now: Now) -> None:
    """Raises CommandRefused when it is too late. A clock that is not trusted judges nothing: then only the
    broker's message expiry protects."""
    if expires_at is not None and now.trusted and now.at >= expires_at:
        detail = f"expires_at was {rfc3339(expires_at)}, it is {rfc3339(now.at)} here"
        raise CommandRefused(command_id, Reason.COMMAND_EXPIRED, detail)


def peek_id(payload: bytes) -> str | None:
    """The id of a request of which nothing else may be right."""
    if len(payload) > 16 * MAX_COMMAND_BYTES:
        return None
    try:
        found = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return None
    command_id = found.get("id") if isinstance(found, dict) else None
    return command_id if isinstance(command_id, str) and _ID.fullmatch(command_id) else None


def reply_object(reply: Reply) -> dict[str, Any]:
    """The answer as plain JSON values, the same at both doors."""
    plain: dict[str, Any] = json.loads(encode_reply(reply))
    return plain


def encode_reply(reply: Reply) -> bytes:
    """The payload of an answer."""
    told = {
        "id": reply.id,
        "result": reply.result,
        "reason": reply.reason,
        "detail": reply.detail,
        "rev": reply.rev,
        "data": dict(reply.data),
    }
    return json.dumps(
        told, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain
    ).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def _read(model: type[_EnvelopeT], payload: bytes, door: Door) -> _EnvelopeT:
    if len(payload) > MAX_COMMAND_BYTES:
        detail = f"{len(payload)} bytes; at most {MAX_COMMAND_BYTES} are read"
        raise CommandRefused(peek_id(payload), Reason.INVALID, detail)
    _refuse_ambiguous(payload)
    try:
        envelope = model.model_validate_json(payload)
    except ValidationError as error:
        raise CommandRefused(peek_id(payload), Reason.INVALID, _explain(error, model)) from None
    if door is Door.CLOUD and envelope.expires_at is None:
        raise CommandRefused(envelope.id, Reason.INVALID, "expires_at: is required from the cloud")
    return envelope


def _refuse_ambiguous(payload: bytes) -> None:
    """One reader takes the first of two equal keys and another the last: such text means two things."""
    try:
        json.loads(payload.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise CommandRefused(None, Reason.INVALID, "nested too deeply") from None
    except UnicodeDecodeError:
        raise CommandRefused(None, Reason.INVALID, "must be JSON in UTF-8") from None
    except ValueError as error:
        raise CommandRefused(peek_id(payload), Reason.INVALID, f"must be JSON: {error}"[:200]) from None


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:64]!r} comes twice")
        found[key] = value
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _explain(error: ValidationError, model: type[Envelope[Any]]) -> str:
    """`params.start_at: is required; ...`, without the values: they may be personal."""
    lines = error.errors(include_url=False, include_input=False, include_context=False)
    told = [_explain_one(line["type"], line["loc"], line["msg"], model) for line in lines[:5]]
    return "; ".join(told) + (f"; and {len(lines) - 5} more" if len(lines) > 5 else "")


def _explain_one(kind: str, place: tuple[int | str, ...], text: str, model: type[Envelope[Any]]) -> str:
    where = ".".join(str(step)[:64] for step in place) or "the request"
    if kind == "extra_forbidden":
        return f"{where}: is not known; known are {', '.join(_params_of(model).model_fields)}"
    return f"{where}: {_WHAT_IS_RIGHT.get(kind, text.removeprefix('Value error, '))}"


def _params_of(model: type[Envelope[Any]]) -> type[BaseModel]:
    annotation = model.model_fields["params"].annotation
    assert isinstance(annotation, type) and issubclass(annotation, BaseModel) and not get_args(annotation)
    return annotation
