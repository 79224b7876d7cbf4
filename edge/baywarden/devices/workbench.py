"""The technician's questions about single devices and links, answered by the daemon that owns the wires."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar

from baywarden.ports.wire import WireError, WrongRequest
from baywarden_drivers import Device, DeviceError, Link, ValueRefused
from baywarden_drivers.mono import mono_s

WATCHED_S: Final = 30.0
"""A trace that nobody has asked for this long ends."""
KEPT_PIECES: Final = 4000
MOST_PIECES: Final = 500
"""In one answer."""

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Fitting:
    """A device of the site: an outlet, or a meter. `names` are all ids that mean it."""

    names: frozenset[str]
    device: Device
    link_id: str
    link: Link
    unit: int
    connector: int


class Workbench:
    """Reads through the queue of the wire, so nothing of it disturbs a poll or a write.

    Raises WrongRequest for what makes no sense, and WireError for a device that does not do it.
    """

    def __init__(self, fittings: Sequence[Fitting], rtu_links: frozenset[str], profile_folder: str) -> None:
        self._fittings = fittings
        self._rtu_links = rtu_links
        self._profile_folder = profile_folder
        self._taps: dict[str, _Tap] = {}

    async def read(self, name: str, points: Sequence[str] = ()) -> Mapping[str, Any]:
        """What the last poll has found; points that are named are read now."""
        from baywarden_drivers.bench.rows import answer_of, point_fault  # noqa: PLC0415 (asked for rarely)

        device = self._find(name).device
        if fault := point_fault(device.profile, points):
            raise WrongRequest(fault)
        last = device.last_poll
        values = {} if last is None else dict(last)
        faults = () if last is None else last.faults
        for point in points:
            if point in device.profile.readable:
                values[point] = await self._tried(device.read(point))
        if not values:
            raise WireError(f"{device.name}: no poll was answered yet")
        answer = answer_of(device, values, points, () if points else faults)
        return {**answer, "values": [_without_card(row) for row in answer["values"]]}

    async def identify(self, name: str) -> Mapping[str, Any]:
        """Who it is, read now."""
        from baywarden_drivers.bench.rows import identity_answer  # noqa: PLC0415 (asked for rarely)

        device = self._find(name).device
        return identity_answer(device, await self._tried(device.identify()))

    async def write(self, name: str, point: str, text: str, *, stored: bool) -> Mapping[str, Any]:
        """Write a point that the daemon does not steer itself."""
        from baywarden_drivers.bench.written import (  # noqa: PLC0415 (asked for rarely)
            check_value,
            steered_points,
            value_of,
            write_and_look,
            write_point,
        )

        device = self._find(name).device
        if point in steered_points(device.profile):
            raise WrongRequest(f"{point}: the daemon sets this itself, for the power share and the fail-safe")
        try:
            found = write_point(device.profile, point)
            value: Decimal | str = value_of(found, text)
            check_value(device.profile, found, value, stored=stored)
        except ValueRefused as error:
            raise WrongRequest(str(error)) from error
        return await self._tried(write_and_look(device, point, value))

    def links(self) -> Sequence[Mapping[str, Any]]:
        """How every wire with a device on it is doing; nothing is sent."""
        from baywarden.devices.bus import bus_report  # noqa: PLC0415 (asked for rarely)

        return bus_report(self._fittings)

    async def trace(self, link_id: str, after: int | None, wait_ms: int) -> Mapping[str, Any]:
        """What went over a link since piece `after`; without it the trace only begins."""
        fittings = [one for one in self._fittings if one.link_id == link_id]
        if not fittings:
            known = ", ".join(sorted({one.link_id for one in self._fittings})) or "none"
            raise WrongRequest(f"no device is on a link {link_id!r}; links with devices are: {known}")
        tap = self._taps.get(link_id)
        if tap is None or not tap.is_on:
            tap = self._taps[link_id] = _Tap({one.link for one in fittings})
        return {
            "where": ", ".join(sorted({one.link.name for one in fittings})),
            "framing": "rtu" if link_id in self._rtu_links else "tcp",
            "started_at": tap.started_at,
            "profile_folder": self._profile_folder,
            "devices": [
                {"unit": one.unit, "profile": one.device.profile.name, "connector": one.connector}
                for one in fittings
            ],
            **await tap.since(after, wait_ms),
        }

    def _find(self, name: str) -> Fitting:
        for fitting in self._fittings:
            if name in fitting.names:
                return fitting
        known = ", ".join(sorted({name for one in self._fittings for name in one.names})) or "none"
        raise WrongRequest(f"there is no device {name!r}; there are: {known}")

    async def _tried(self, doing: Awaitable[_Found]) -> _Found:
        try:
            return await doing
        except DeviceError as error:
            raise WireError(str(error)) from error
        except ValueRefused as error:
            raise WrongRequest(str(error)) from error


def _without_card(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A driver's card is personal: its last four characters show that it was read."""
    if row["point"] != "id_tag" or not row["value"]:
        return row
    card = str(row["value"])
    return {**row, "value": f"...{card[-4:]}" if len(card) >= 8 else "..."}


class _Tap:
    """The latest pieces of one link, for as long as somebody asks for them."""

    def __init__(self, links: set[Link]) -> None:
        self._links = links
        self._pieces: deque[dict[str, Any]] = deque(maxlen=KEPT_PIECES)
        self._count = 0
        self._began_s = self._asked_s = mono_s()
        self._news = asyncio.Event()
        self.is_on = True
        self.started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        for link in links:
            link.trace(self._take)

    async def since(self, after: int | None, wait_ms: int) -> dict[str, Any]:
        """The pieces behind number `after`, at once or as soon as there is one, and how many were lost."""
        self._asked_s = mono_s()
        if after is None:
            return {"pieces": [], "next": self._count, "lost": 0}
        if self._count <= after:
            self._news.clear()
            try:
                async with asyncio.timeout(wait_ms / 1000):
                    await self._news.wait()
            except TimeoutError:
                pass
        first = self._count - len(self._pieces)
        begin = max(after, first)
        pieces = [one for one in self._pieces if one["number"] >= begin][:MOST_PIECES]
        return {"pieces": pieces, "next": begin + len(pieces), "lost": max(0, first - after)}

    def _take(self, direction: Literal["sent", "received"], data: bytes) -> None:
        now = mono_s()
        if now - self._asked_s > WATCHED_S:
            self.is_on = False
            for link in self._links:
                link.trace(None)
            return
        at_ms = round((now - self._began_s) * 1000, 3)
        self._pieces.append(
            {"number": self._count, "at_ms": at_ms, "direction": direction, "hex": data.hex()}
        )
        self._count += 1
        self._news.set()
