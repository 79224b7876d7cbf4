"""One connector of a charger as the site sees it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from baywarden.devices.contact import contact_of
from baywarden.devices.decided import Decided
from baywarden.devices.units import MILLI, Phases, code, phases_ma, power_w, rounded, text, whole
from baywarden.model.reading import ChargerState, Contact, EvseReading, Pilot
from baywarden.ports.clock import Clock
from baywarden.ports.wire import Guarded, WireError
from baywarden_drivers import Device, DeviceError, DriverError, FailsafeReport, Poll, Profile

_BY_SILENCE: Final = "proved only by silence: `baywarden device test`"


@dataclass(frozen=True, slots=True)
class _Armed:
    """What was read back when the fail-safe was armed, and on which contact."""

    contact: int
    report: FailsafeReport


@dataclass(frozen=True, slots=True)
class _Said:
    """What the values of a poll mean. `doubt` says why there is no state."""

    profile: Profile
    pilot: Pilot | None
    state: ChargerState | None
    doubt: str
    current_ma: Phases
    power_w: int | None
    energy_wh: int | None
    error_code: int | None
    id_tag: str | None


class ModbusOutlet:
    """Implements ports.wire.Outlet on a driver's device."""

    def __init__(
        self, device: Device, evse_id: str, *, clock: Clock, failsafe_ma: int, failsafe_timeout_s: int
    ) -> None:
        self.evse_id = evse_id
        self.failsafe_ma = failsafe_ma
        self._device = device
        self._clock = clock
        self._decided = Decided(device)
        self._timeout_s = failsafe_timeout_s
        self._reading = EvseReading(evse_id)
        self._contact = 0
        self._armed: _Armed | None = None
        self._last: _Said | None = None
        self._values: dict[str, object] = {}
        """The values of the poll before, and what they meant."""

    async def poll(self) -> EvseReading:
        """Read it once; when it cannot be heard the old values stay with their old age."""
        try:
            poll = await self._device.poll()
        except DeviceError as error:
            self._reading = replace(self._reading, contact=contact_of(error), contact_reason=str(error))
            return self._reading
        self._contact = poll.contact
        said = self._said(poll)
        faults = (*poll.faults, said.doubt) if said.doubt else poll.faults
        self._reading = EvseReading(
            self.evse_id,
            contact=Contact.OK,
            contact_reason="; ".join([fault for fault in faults if fault]),
            read_mono_ms=self._clock.now().mono_ms,
            pilot=said.pilot,
            state=said.state,
            current_ma=said.current_ma,
            power_w=said.power_w,
            energy_wh=said.energy_wh,
            limit_ma=self._limit_ma(poll),
            error_code=said.error_code,
            id_tag=said.id_tag,
            failsafe_armed=self._is_armed(poll),
            decisions=self._decided.now(),
        )
        return self._reading

    def _said(self, poll: Poll) -> _Said:
        """What the values mean; the same values of the same profile mean the same."""
        profile = self._device.profile
        values: dict[str, object] = {name: point.value for name, point in poll.points.items()}
        if self._last is not None and values == self._values and self._last.profile is profile:
            return self._last
        status = self._device.status(poll.points)
        said = _Said(
            profile,
            Pilot(status.iec) if status.iec else None,
            ChargerState(status.state) if status.state else None,
            status.detail if status.state is None else "",
            phases_ma(poll.points, profile),
            power_w(poll.points),
            whole(poll.points, "energy_total"),
            code(poll.points, "error_code"),
            text(poll.points, "id_tag"),
        )
        # Why a state is not known may change without the values.
        self._last, self._values = None if said.doubt else said, values
        return said

    async def set_limit(self, limit_ma: int) -> int:
        """Write and read back; the limit in force in mA. Raises WireError."""
        try:
            in_force_a = await self._device.set_current_limit(Decimal(limit_ma) / MILLI)
        except DriverError as error:
            raise WireError(str(error)) from error
        return rounded(in_force_a * MILLI)

    async def arm(self) -> Guarded:
        """Arm the charger's own fail-safe; what it says of itself. Raises WireError."""
        contact = self._contact
        try:
            report = await self._device.arm_failsafe(Decimal(self.failsafe_ma) / MILLI, self._timeout_s)
        except DriverError as error:
            raise WireError(str(error)) from error
        self._armed = _Armed(contact, report)
        return Guarded(report.armed, report.detail if report.provable else f"{report.detail}; {_BY_SILENCE}")

    async def keep_alive(self) -> None:
        """Feed the charger's supervision. Raises WireError."""
        try:
            await self._device.keep_alive()
        except DriverError as error:
            raise WireError(str(error)) from error

    def _limit_ma(self, poll: Poll) -> int | None:
        """The limit that the device shows; where it shows none, what was last written and answered."""
        shown_a = self._device.limit_shown(poll.points)
        return None if shown_a is None else rounded(shown_a * MILLI)

    def _is_armed(self, poll: Poll) -> bool | None:
        """False when it must be armed (again); None when it cannot be judged, which proves nothing."""
        if self._armed is None or self._armed.contact != self._contact:
            return False
        report = self._armed.report
        tells = report.current_a is not None or report.timeout_s is not None
        if not report.armed and report.provable and tells:
            return False
        return self._device.failsafe_holds(poll.points)
