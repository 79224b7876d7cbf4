"""The technician's questions about devices and links, judged before they reach a wire. Only for the local door."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from baywarden.services.questions import WrongParams, only, whole

Question = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

LONGEST_WAIT_MS: Final = 5000
MOST_POINTS: Final = 200


class Workbench(Protocol):
    """Whoever owns the wires."""

    async def read(self, name: str, points: Sequence[str] = ()) -> Mapping[str, Any]: ...

    async def identify(self, name: str) -> Mapping[str, Any]: ...

    async def write(self, name: str, point: str, text: str, *, stored: bool) -> Mapping[str, Any]: ...

    async def trace(self, link_id: str, after: int | None, wait_ms: int) -> Mapping[str, Any]: ...

    def links(self) -> Sequence[Mapping[str, Any]]: ...


def device_questions(workbench: Workbench) -> Mapping[str, Question]:
    """By the name of the request."""

    async def read(params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params, "device", "points")
        return await workbench.read(_text(params, "device"), _points(params))

    async def identify(params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params, "device")
        return await workbench.identify(_text(params, "device"))

    async def write(params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params, "device", "point", "value", "stored")
        stored = params.get("stored", False)
        if not isinstance(stored, bool):
            raise WrongParams("stored: must be true or false")
        device, point = _text(params, "device"), _text(params, "point")
        return await workbench.write(device, point, _text(params, "value"), stored=stored)

    async def trace(params: Mapping[str, Any]) -> Mapping[str, Any]:
        only(params, "link", "after", "wait_ms")
        after = None if params.get("after") is None else whole(params, "after")
        wait_ms = whole({"wait_ms": 0, **params}, "wait_ms")
        if wait_ms > LONGEST_WAIT_MS:
            raise WrongParams(f"wait_ms: must be at most {LONGEST_WAIT_MS}")
        return await workbench.trace(_text(params, "link"), after, wait_ms)

    return {"device.read": read, "device.identify": identify, "device.write": write, "link.trace": trace}


def _text(params: Mapping[str, Any], key: str) -> str:
    value = params.get(key)
    if not isinstance(value, str) or not value:
        raise WrongParams(f"{key}: must be text")
    return value


def _points(params: Mapping[str, Any]) -> Sequence[str]:
    points = params.get("points", [])
    if (
        not isinstance(points, list)
        or not all(isinstance(one, str) for one in points)
        or len(points) > MOST_POINTS
    ):
        raise WrongParams(f"points: must be a list of at most {MOST_POINTS} names")
    return points
