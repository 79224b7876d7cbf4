"""What a reading says of an outlet: heard or not, at fault or not, a car or none, what it asks for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from baywarden.model.overstay import OverstayPolicy
from baywarden.model.reading import ChargerState, Contact, EvseReading, Pilot
from baywarden.model.site import EvseRules, SiteRules
from baywarden.model.time import Now

IDLE_POWER_W: Final = 100
IDLE_DEBOUNCE_S: Final = 60
"""For outlets without an overstay policy; the same as a policy's defaults."""


class Why(StrEnum):
    """The reason words of an outlet's status. The first seven go with UNKNOWN."""

    NOT_POLLED = "not_polled"
    SILENT = "silent"
    GARBLED = "garbled"
    REFUSED = "refused"
    LINK_DOWN = "link_down"
    STALE = "stale"
    NO_STATUS = "no_status"
    FAULT = "fault"
    UNAVAILABLE = "unavailable"
    FREE = "free"
    HELD = "held"
    CHARGER_RESERVED = "charger_reserved"
    PREPARING = "preparing"
    CHARGING = "charging"
    IDLE = "idle"
    PAUSED = "paused"
    WITHHELD = "withheld"


_UNHEARD: Final = {
    Contact.NEVER: Why.NOT_POLLED,
    Contact.OK: Why.STALE,
    Contact.SILENT: Why.SILENT,
    Contact.GARBLED: Why.GARBLED,
    Contact.REFUSED: Why.REFUSED,
    Contact.LINK_DOWN: Why.LINK_DOWN,
}
_NO_CAR: Final = frozenset({ChargerState.AVAILABLE, ChargerState.RESERVED})
_A_CAR: Final = frozenset(
    {
        ChargerState.PREPARING,
        ChargerState.CHARGING,
        ChargerState.SUSPENDED_EV,
        ChargerState.SUSPENDED_EVSE,
        ChargerState.FINISHING,
    }
)
_WANTS_NOTHING: Final = frozenset({ChargerState.SUSPENDED_EV, ChargerState.FINISHING, ChargerState.PREPARING})


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at an outlet. `unheard` set means that nothing else here may be believed."""

    unheard: Why | None
    heard_mono_ms: int | None
    fault: Why | None = None
    car: bool | None = None
    is_drawing: bool = False
    is_asking: bool = False
    """The car asks for power (pilot C or D)."""
    is_paused: bool = False
    """The outlet offers none."""
    power_w: int | None = None
    energy_wh: int | None = None
    token: str | None = None
    error_code: int | None = None
    state: ChargerState | None = None
    detail: str = ""
    is_armed: bool | None = None
    """Whether the charger's own fail-safe is; None when it cannot be judged."""

    @property
    def is_polled(self) -> bool:
        """Whether the outlet was asked since our start, answered or not."""
        return self.unheard is not Why.NOT_POLLED


def is_same_token(one: str | None, other: str | None) -> bool:
    """Whether both are the same token; upper and lower case are the same to readers of cards."""
    return one is not None and other is not None and one.casefold() == other.casefold()


def unheard(reading: EvseReading, rules: SiteRules, now: Now) -> Why | None:
    """Why the reading is not the truth. After a missed poll the last values hold for `stale_after_ms`."""
    heard = reading.read_mono_ms
    if heard is None or now.mono_ms - heard > rules.stale_after_ms:
        return _UNHEARD[reading.contact]
    if reading.pilot is None and reading.state is None:
        return Why.NO_STATUS
    return None


def look(
    reading: EvseReading, policy: OverstayPolicy | None, outlet: EvseRules, rules: SiteRules, now: Now
) -> Sight:
    """Read the reading."""
    why = unheard(reading, rules, now)
    heard = None if reading.read_mono_ms is None else min(reading.read_mono_ms, now.mono_ms)
    if why is not None:
        return Sight(why, heard, detail=reading.contact_reason)
    power_w = _power_w(reading, outlet)
    car = _car(reading)
    is_asking = bool(car) and _asks(reading)
    return Sight(
        None,
        heard,
        fault=_fault(reading),
        car=car,
        is_drawing=car is not False and _draws(reading, power_w, is_asking, policy),
        is_asking=is_asking,
        is_paused=_pauses(reading, outlet),
        power_w=power_w,
        energy_wh=reading.energy_wh,
        token=reading.id_tag or None,
        error_code=reading.error_code,
        state=reading.state,
        detail=reading.detail,
        is_armed=reading.failsafe_armed,
    )


def glance(
    reading: EvseReading, policy: OverstayPolicy | None, outlet: EvseRules, rules: SiteRules, now: Now
) -> tuple[object, ...]:
    """All of a reading that could move a rule. Made for each outlet in each cycle, so it must stay cheap."""
    power_w = reading.power_w
    if power_w is None and reading.current_ma != (None, None, None):
        power_w = _power_w(reading, outlet)
    limit_ma = reading.limit_ma
    return (
        reading.read_mono_ms is not None,
        unheard(reading, rules, now),
        reading.pilot,
        reading.state,
        reading.error_code,
        reading.id_tag,
        limit_ma is not None and limit_ma < outlet.min_current_ma,
        None if power_w is None else power_w < (IDLE_POWER_W if policy is None else policy.idle_power_w),
        reading.energy_wh is None,
        reading.failsafe_armed,
        now.trusted,
    )


def was_heard(seen: tuple[object, ...] | None) -> bool:
    """Whether the outlet had been heard by the time of that glance."""
    return seen is not None and seen[0] is True


def _power_w(reading: EvseReading, outlet: EvseRules) -> int | None:
    """The power, or what the currents make it; None when neither is known."""
    if reading.power_w is not None:
        return reading.power_w
    known = [current for current in reading.current_ma if current is not None]
    return sum(known) * outlet.nominal_v // 1000 if known else None


def _car(reading: EvseReading) -> bool | None:
    """The pilot knows best; without it the charger's word; a fault says nothing of the car."""
    if reading.pilot in (Pilot.E, Pilot.F):
        return None
    if reading.pilot is not None:
        return reading.pilot is not Pilot.A
    if reading.state in _A_CAR:
        return True
    return False if reading.state in _NO_CAR else None


def _fault(reading: EvseReading) -> Why | None:
    if reading.pilot in (Pilot.E, Pilot.F) or reading.state is ChargerState.FAULTED:
        return Why.FAULT
    return Why.UNAVAILABLE if reading.state is ChargerState.UNAVAILABLE else None


def _asks(reading: EvseReading) -> bool:
    if reading.state in _WANTS_NOTHING:
        return False
    if reading.pilot is not None:
        return reading.pilot in (Pilot.C, Pilot.D)
    return reading.state is ChargerState.CHARGING


def _draws(reading: EvseReading, power_w: int | None, is_asking: bool, policy: OverstayPolicy | None) -> bool:
    """Unknown power of a car that asks for it counts as drawn: idle must be seen, not supposed."""
    if power_w is None:
        return is_asking
    least_w = IDLE_POWER_W if policy is None else policy.idle_power_w
    return power_w >= least_w and reading.pilot is not Pilot.B


def _pauses(reading: EvseReading, outlet: EvseRules) -> bool:
    if reading.limit_ma is not None and reading.limit_ma < outlet.min_current_ma:
        return True
    return reading.state is ChargerState.SUSPENDED_EVSE
