"""A running site: world, wires and the people who plug in cars."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from functools import partial
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from baywarden_drivers.simulator.build import build
from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.charger import Charger
from baywarden_drivers.simulator.clock import RatedClock, SimClock
from baywarden_drivers.simulator.commands import check, perform
from baywarden_drivers.simulator.control import ControlSocket
from baywarden_drivers.simulator.device import Device, Written
from baywarden_drivers.simulator.errors import SimulatorError, SiteFileError, UnknownName
from baywarden_drivers.simulator.faults import FaultKind
from baywarden_drivers.simulator.listeners import Listener, TcpListener
from baywarden_drivers.simulator.meter import BaseLoad, Meter
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.site import SiteSpec, load_site
from baywarden_drivers.simulator.timeline import VisitSpec
from baywarden_drivers.simulator.truth import Truth

TICK_S = 1.0
"""Between two looks at the world when nobody asks, in simulated seconds..."""
SHORTEST_TICK_S = 0.05
"""...but never less than this in real ones."""


class Simulation:
    """A site that runs between `async with` and its end.

    A `clock` of one's own (HandClock in tests) has its own idea of speed, and `rate` means nothing then.
    """

    def __init__(
        self,
        site: SiteSpec | Path,
        *,
        rate: float | None = None,
        clock: SimClock | None = None,
        bind: str = "127.0.0.1",
        control: Path | None = None,
        folders: Iterable[str | Path] = (),
    ) -> None:
        self.site = load_site(site) if isinstance(site, Path) else site
        self.rate = self.site.rate if rate is None else rate
        self._clock: SimClock = clock or RatedClock(self.rate)
        self._began_s = self._clock.now_s()
        built = build(self.site, bind=bind, look=self.look, folders=folders)
        self._world, self.devices, self.listeners = built.world, built.devices, built.listeners
        self._control = None if control is None else ControlSocket(control, self.do)
        self._check_events()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open every wire; time begins now. Raises CannotServe."""
        self._began_s = self._clock.now_s()
        self._write_agenda()
        async with AsyncExitStack() as opening:
            for listener in self.listeners.values():
                opening.push_async_callback(listener.stop)
                await listener.start()
            if self._control is not None:
                opening.push_async_callback(self._control.stop)
                await self._control.start()
            self._open = opening.pop_all()
        self._spawn(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._open.aclose()

    # Truth

    def look(self) -> float:
        """Move the world to now and say what time it is there (simulated seconds)."""
        if self._world.is_moving:
            return self._world.now_s
        now_s = self._clock.now_s() - self._began_s
        self._world.advance_to(now_s)
        return now_s

    @property
    def now_s(self) -> float:
        return self.look()

    @property
    def outlets(self) -> Mapping[str, Outlet]:
        """The outlets as they truly are now."""
        self.look()
        return self._world.outlets

    @property
    def meters(self) -> Mapping[str, Meter]:
        """The meters as they truly are now."""
        self.look()
        return self._world.meters

    def written(self) -> list[Written]:
        """What clients have written to all devices, in order of time."""
        return sorted(
            (one for device in self.devices.values() for one in device.written), key=lambda one: one.at_s
        )

    def where(self, listener: str) -> str:
        """`host:port` or the path of the serial port."""
        return self._listener(listener).where

    def port(self, listener: str) -> int:
        """The TCP port of a listener."""
        found = self._listener(listener)
        if not isinstance(found, TcpListener):
            raise UnknownName("TCP listener", listener, self._tcp_names())
        return found.port

    # What people do

    def plug(self, outlet: str, car: Car) -> None:
        self.outlet(outlet).plug(car)

    def unplug(self, outlet: str) -> None:
        self.outlet(outlet).unplug()

    def tag(self, outlet: str, tag: str) -> None:
        """Hold a card to the reader."""
        self.outlet(outlet).present_tag(tag)

    def stop_session(self, outlet: str) -> None:
        """End the session at the charger; the car stays."""
        self.outlet(outlet).stop()

    def fault(self, outlet: str, code: int) -> None:
        """Raise an error at an outlet (a number above 0) or clear it (0)."""
        self.outlet(outlet).fault(code)

    def set_base(self, meter: str, base_a: tuple[float, float, float]) -> None:
        """From now on the building draws this."""
        self.meter(meter).base = BaseLoad(((0.0, base_a),))

    # What goes wrong

    def inject(
        self,
        device: str,
        kind: FaultKind,
        *,
        value: float = 0,
        for_s: float | None = None,
        share: float = 1.0,
        times: int | None = None,
    ) -> None:
        """Let a device misbehave, for some simulated seconds or until cleared; an outlet is its charger.

        `share` of the requests are struck, by chance, and no more than `times` of them.
        """
        found, now_s = self.device(device), self.look()
        found.faults.set(kind, now_s, value=value, for_s=for_s, share=share, times=times)
        found.at(now_s)

    def clear(self, device: str, kind: FaultKind | None = None) -> None:
        """End one kind of misbehaviour or all of them, also points that say what they were told to."""
        found = self.device(device)
        found.faults.clear(kind)
        if kind is None:
            found.said.clear()

    def say(
        self,
        device: str,
        point: str,
        value: Truth = None,
        *,
        by: float | None = None,
        for_s: float | None = None,
    ) -> None:
        """Let a point say `value` (in its unit), or `by` more than it would say now. Raises UnknownName."""
        found, now_s = self.device(device), self.look()
        if point not in found.profile.readable:
            raise UnknownName("point", point, found.profile.readable)
        found.at(now_s)
        if by is not None:
            shown = found.profile.readable[point]
            now = found.truth(shown, None if shown.scope == "station" else 1)
            value = by + (float(now) if isinstance(now, int | float | Decimal) else 0.0)
        found.said[point] = (value, inf if for_s is None else now_s + for_s)

    def set_counter(self, of: str, energy_wh: float) -> None:
        """Let the energy counter of an outlet or a meter stand at another figure. Raises UnknownName."""
        self.counting(of).set_counter(energy_wh)

    def reboot(self, device: str) -> None:
        """Let a device restart: silent for a while, volatile settings lost."""
        found = self.device(device)
        found.at(self.look())
        found.reboot()

    def disconnect(self, listener: str, for_s: float = 0.0) -> None:
        """Break the connections; with `for_s` nothing listens there for so many simulated seconds."""
        found = self._listener(listener)
        found.hang_up()
        if for_s > 0:
            self._spawn(self._be_away(found, for_s))

    def do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A request of the control socket. Raises SimulatorError."""
        return perform(self, request)

    # Names

    def outlet(self, name: str) -> Outlet:
        """An outlet as it is now. Raises UnknownName."""
        if name not in self._world.outlets:
            raise UnknownName("outlet", name, self._world.outlets)
        self.look()
        return self._world.outlets[name]

    @property
    def outlet_names(self) -> list[str]:
        return [*self._world.outlets]

    @property
    def meter_names(self) -> list[str]:
        return [*self._world.meters]

    def meter(self, name: str) -> Meter:
        """A meter as it is now. Raises UnknownName."""
        if name not in self._world.meters:
            raise UnknownName("meter", name, self._world.meters)
        self.look()
        return self._world.meters[name]

    def counting(self, name: str) -> Outlet | Meter:
        """The outlet or meter of that name. Raises UnknownName."""
        if name in self._world.meters:
            return self.meter(name)
        if name not in self._world.outlets:
            raise UnknownName("outlet or meter", name, [*self._world.outlets, *self._world.meters])
        return self.outlet(name)

    def device(self, name: str) -> Device:
        """A charger or meter by its own name, or a charger by that of its outlet. Raises UnknownName."""
        if name in self.devices:
            return self.devices[name]
        for device in self.devices.values():
            if isinstance(device, Charger) and any(outlet.name == name for outlet in device.outlets):
                return device
        raise UnknownName("device", name, self.devices)

    def _listener(self, name: str) -> Listener:
        if name not in self.listeners:
            raise UnknownName("listener", name, self.listeners)
        return self.listeners[name]

    def _tcp_names(self) -> list[str]:
        return [name for name, listener in self.listeners.items() if isinstance(listener, TcpListener)]

    # Behind the scenes

    def _check_events(self) -> None:
        for number, event in enumerate(self.site.event, 1):
            try:
                check(self, event.request())
            except SimulatorError as error:
                raise SiteFileError(f"event {number}: {error}") from error

    def _write_agenda(self) -> None:
        for visit in self.site.car:
            self._expect(visit)
        for event in self.site.event:
            self._world.at(event.at_s, partial(self.do, event.request()))

    def _expect(self, visit: VisitSpec) -> None:
        outlet = self._world.outlets[visit.outlet]
        self._world.at(visit.at_s, lambda: outlet.plug(visit.make()))
        if visit.leave_at_s is not None:
            self._world.at(visit.leave_at_s, outlet.unplug)

    async def _be_away(self, listener: Listener, for_s: float) -> None:
        await listener.stop()
        await self._clock.sleep(for_s)
        await listener.start()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(max(TICK_S, SHORTEST_TICK_S * self.rate))
            self.look()

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
