"""The technician's questions about events that the broker refused for good."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from baywarden.model.event import ParkedEvent, Stream
from baywarden.ports.store import Parking
from baywarden.services.questions import WrongParams, only, whole

_SHOWN: Final = 500
_IN_STATUS: Final = 20

Question = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


def parking_questions(parking: Parking, changed: Callable[[], None]) -> Mapping[str, Question]:
    """By name; `changed` is called after each release."""

    async def listed(params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params)
        return await parked_report(parking, _SHOWN)

    async def release(params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params, "stream", "epoch", "seq", "give_up")
        stream, epoch, seq = stream_of(params), whole(params, "epoch"), whole(params, "seq")
        give_up = params.get("give_up", False)
        if not isinstance(give_up, bool):
            raise WrongParams("give_up: must be true (it is never sent) or false (it is sent again)")
        if not await parking.release(stream, epoch, seq, give_up=give_up):
            raise WrongParams(
                f"seq: {stream.value} {epoch}-{seq} is not parked; ask parked.list for those that are"
            )
        changed()
        return {"stream": stream.value, "epoch": epoch, "seq": seq, "given_up": give_up}

    return {"parked.list": listed, "parked.release": release}


async def parked_report(parking: Parking, limit: int = _IN_STATUS) -> Mapping[str, Any]:
    """How many there are, and the oldest of them."""
    found, count = await parking.parked(limit)
    return {"count": count, "items": [_shown(one) for one in found]}


def stream_of(params: Mapping[str, Any]) -> Stream:
    """Raises WrongParams."""
    try:
        return Stream(params.get("stream"))
    except ValueError:
        raise WrongParams(f"stream: one of {', '.join(stream.value for stream in Stream)}") from None


def _shown(one: ParkedEvent) -> Mapping[str, Any]:
    return {
        "stream": one.stream.value,
        "epoch": one.epoch,
        "seq": one.seq,
        "code": f"{one.code:#04x}",
        "parked_at": one.parked_at.isoformat().replace("+00:00", "Z"),
        "size_bytes": one.size_bytes,
        "is_released": one.is_released,
    }
