"""A simulated charger or meter of the catalogue behind a real wire, and what the site makes of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from baywarden.devices import ModbusMeter, ModbusOutlet
from baywarden.model.reading import Contact, EvseReading
from baywarden_drivers import (
    Device,
    Endpoint,
    LinkPool,
    Profile,
    RtuOverTcpEndpoint,
    TcpEndpoint,
    load_profile,
    open_device,
    profile_names,
)
from baywarden_drivers.simulator import Car, HandClock, Simulation, parse_site
from baywarden_drivers.simulator.outlet import Outlet
from support.clock import FakeClock

CHARGERS: Final = tuple(name for name in profile_names() if load_profile(name).kind == "charger")
METERS: Final = tuple(name for name in profile_names() if load_profile(name).kind == "meter")
FAILSAFE_S: Final = 30

_INSTALLED: Final = "failsafe_current_a = 6\nfailsafe_timeout_s = 25\n"
"""What an installer has set where it cannot be set over the wire."""
_AT_ONCE: Final = 0.001


@dataclass
class Bench:
    """Simulated time passes by `wait`; the driver's own clock does not, so its pauses are made short."""

    simulation: Simulation
    time: HandClock
    clock: FakeClock
    device: Device
    connector: int

    def __post_init__(self) -> None:
        self.outlet = ModbusOutlet(
            self.device, "b1", clock=self.clock, failsafe_ma=6_000, failsafe_timeout_s=FAILSAFE_S
        )
        self.meter = ModbusMeter(self.device, "grid", clock=self.clock)

    @property
    def truth(self) -> Outlet:
        """The connector as it truly is."""
        return self.simulation.outlets[f"o{self.connector}"]

    @property
    def pause_leaves_ma(self) -> int:
        """What may flow while it is paused."""
        control = self.device.profile.control
        return 0 if control is None else int(control.pause_leaves_a * 1000)

    def plug(self, **car: Any) -> None:
        """A car arrives that is far from full."""
        self.simulation.plug(f"o{self.connector}", Car(**{"soc": 0.2, **car}))

    async def wait(self, seconds: int, *, silently: bool = False) -> None:
        """Time passes for both; unless told otherwise the outlet is polled and kept alive every two seconds."""
        for second in range(1, seconds + 1):
            self.time.advance(1)
            self.simulation.look()
            await self.clock.advance(1)
            if not silently and second % 2 == 0:
                await self.outlet.poll()
                await self.outlet.keep_alive()

    async def settled(self) -> EvseReading:
        """What it says once every slower point had its turn."""
        for _ in range(len(self.device.profile.read)):
            await self.outlet.poll()
        return await self.outlet.poll()

    async def heard(self) -> EvseReading:
        """The next reading with contact: the first look only finds an old connection dead."""
        reading = await self.outlet.poll()
        for _ in range(3):
            if reading.contact is Contact.OK:
                break
            reading = await self.outlet.poll()
        return reading

    async def restart(self) -> None:
        """The charger restarts; its connections are gone."""
        self.simulation.reboot("it")
        self.simulation.disconnect("wire")
        await self.wait(15, silently=True)


@asynccontextmanager
async def outlet_bench(
    profile_name: str, *, falls_silent: bool = False, is_deaf: bool = False, settle_s: int | None = None
) -> AsyncIterator[Bench]:
    """A device without the pauses of a real wire; one that falls silent or is deaf is given up soon."""
    profile = load_profile(profile_name)
    profile = _hurried(
        profile, 150 if falls_silent else 10_000, readback_ms=0 if is_deaf else 300, settle_s=settle_s
    )
    connector, time = min(2, profile.connectors.count), HandClock()
    if profile.kind == "meter":
        connector = 1
    site = parse_site(_site(profile, connector))
    async with Simulation(site, clock=time) as simulation, LinkPool() as pool:
        port = simulation.port("wire")
        endpoint: Endpoint = TcpEndpoint("127.0.0.1", port)
        if profile.transport.tcp is None:
            endpoint = RtuOverTcpEndpoint("127.0.0.1", port)
        device = open_device(pool, endpoint, profile, connector=connector, name="Bay 1")
        yield Bench(simulation, time, FakeClock(), device, connector)


def _hurried(
    profile: Profile, response_timeout_ms: int, *, readback_ms: int, settle_s: int | None
) -> Profile:
    pauses = ("min_request_gap_ms", "min_read_interval_ms", "min_write_interval_ms", "min_poll_interval_ms")
    update: dict[str, Any] = {
        "protocol": profile.protocol.model_copy(
            update={**dict.fromkeys(pauses, 0), "response_timeout_ms": response_timeout_ms}
        ),
        "write": tuple(one.model_copy(update={"min_interval_s": 0}) for one in profile.write),
    }
    if profile.control is not None:
        quick: Mapping[str, object] = {
            "readback_delay_ms": 0,
            "readback_timeout_ms": readback_ms,
            "resume_delay_ms": 0,
            "settle_s": profile.control.settle_s if settle_s is None else settle_s,
        }
        update["control"] = profile.control.model_copy(update=quick)
    if profile.failsafe is not None:
        update["failsafe"] = profile.failsafe.model_copy(update={"heartbeat_period_s": _AT_ONCE})
    return profile.changed(**update)


def _site(profile: Profile, outlets: int) -> str:
    wire = "rtu_over_tcp" if profile.transport.tcp is None else "tcp"
    if profile.kind == "meter":
        table = f'[[meter]]\nname = "it"\nprofile = "{profile.name}"\nlistener = "wire"\nbase_a = [5, 6, 0]\n'
    else:
        names = [f"o{number}" for number in range(1, outlets + 1)]
        shipped = "" if _can_be_set(profile) else _INSTALLED
        table = (
            f'[[charger]]\nname = "it"\nprofile = "{profile.name}"\nlistener = "wire"\n'
            f"outlets = {names}\n{shipped}"
        )
    return f'[[listener]]\nname = "wire"\n{wire} = 0\n\n{table}'


def _can_be_set(profile: Profile) -> bool:
    """Whether the fail-safe, if there is one, is set over the wire or has a fixed time."""
    failsafe = profile.failsafe
    if failsafe is None or failsafe.trigger in ("none", "unknown"):
        return True
    return (failsafe.timeout_point in profile.writable) or (
        failsafe.current_point in profile.writable and bool(failsafe.default_timeout_s)
    )
