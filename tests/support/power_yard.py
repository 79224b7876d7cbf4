"""A yard of chargers under the power share: what is really in force, whatever the gateway believes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from baywarden.model.evse import Availability, EvseState, EvseStatus
from baywarden.model.overstay import ClockState
from baywarden.model.reading import Contact, EvseReading, MeterReading, Snapshot
from baywarden.model.session import Session, SessionStatus
from baywarden.model.site import Allocation, Circuit, Commitment, EvseRules, SiteRules, SiteState
from baywarden.model.time import Now
from baywarden.policy import commitment
from baywarden.policy.power import share
from support.plain_overstay import utc

BEGIN = utc("2026-06-15 09:00")
BEGIN_MONO_MS = 10_000_000


def site(circuits: Sequence[Circuit], evses: Sequence[EvseRules]) -> SiteRules:
    return SiteRules(
        site_id="yard",
        tz="UTC",
        currency="EUR",
        evses={evse.id: evse for evse in evses},
        circuits={circuit.id: circuit for circuit in circuits},
    )


def outlet(
    name: str,
    circuit: str = "yard",
    phases: tuple[int, ...] = (1, 2, 3),
    *,
    max_current_ma: int = 16_000,
    min_current_ma: int = 6_000,
    failsafe_ma: int = 6_000,
) -> EvseRules:
    return EvseRules(
        name,
        name,
        circuit,
        phases=phases,
        max_current_ma=max_current_ma,
        min_current_ma=min_current_ma,
        failsafe_ma=failsafe_ma,
    )


@dataclass
class Charger:
    """The iron: `real_ma` is the limit in force, `drawn_ma` what the car takes on each phase."""

    rules: EvseRules
    real_ma: int = 0
    appetite_ma: int = 80_000
    is_heard: bool = True
    is_armed: bool = False
    """Falls back to its fail-safe current by itself, and that was seen."""
    loses_writes: bool = False
    loses_answers: bool = False
    session: Session | None = None
    held: Commitment | None = None
    heard_mono_ms: int | None = None
    last: EvseReading | None = None

    @property
    def drawn_ma(self) -> int:
        if self.session is None:
            return 0
        return min(self.real_ma, self.appetite_ma, self.rules.max_current_ma)


@dataclass
class Yard:
    """Runs cycles of one second. `loads_ma` is what others really draw by circuit, on every phase."""

    rules: SiteRules
    loads_ma: dict[str, int] = field(default_factory=dict)
    silent_meters: set[str] = field(default_factory=set)
    mono_ms: int = BEGIN_MONO_MS
    begun_mono_ms: int = BEGIN_MONO_MS

    def __post_init__(self) -> None:
        self.chargers = {evse_id: Charger(evse) for evse_id, evse in self.rules.evses.items()}
        self.allocations: Mapping[str, Allocation] = {}
        self.meters: dict[str, MeterReading] = {}
        self.before: dict[str, Commitment | None] = {}

    @property
    def now(self) -> Now:
        return Now(BEGIN + timedelta(milliseconds=self.mono_ms - BEGIN_MONO_MS), self.mono_ms, "boot")

    def plug_in(
        self,
        evse_id: str,
        *,
        booked_w: int | None = None,
        booking_end_at: datetime | None = None,
        state: ClockState = ClockState.CHARGING,
        withheld: str | None = None,
    ) -> None:
        """A car comes; unless told otherwise it may charge and does."""
        self.chargers[evse_id].session = Session(
            id=f"s-{evse_id}",
            evse_id=evse_id,
            status=SessionStatus.ACTIVE,
            started_at=self.now.at,
            boot_id="boot",
            open_state=state,
            open_from_at=self.now.at,
            open_from_mono_ms=self.mono_ms,
            booking_id=None if booked_w is None else f"b-{evse_id}",
            booking_end_at=booking_end_at,
            power_w=booked_w or 0,
            withheld=withheld,
        )

    def cycles(self, count: int = 1) -> Mapping[str, Allocation]:
        """So many cycles; returns the last shares."""
        for _ in range(count):
            self.cycle()
        return self.allocations

    def cycle(self) -> None:
        """Read, share, write, read back."""
        self.mono_ms += 1000
        for charger in self.chargers.values():
            if (
                charger.is_armed
                and not charger.is_heard
                and self._silent_ms(charger) > charger.rules.failsafe_timeout_ms
            ):
                charger.real_ma = min(charger.real_ma, charger.rules.failsafe_ma)
        snapshot = self._snapshot()
        self.before = {name: charger.held for name, charger in self.chargers.items()}
        held = {name: known for name, known in self.before.items() if known is not None}
        self.allocations = share(self.rules, self.state(), snapshot, held, self.now)
        for evse_id, allocation in self.allocations.items():
            self._write(self.chargers[evse_id], allocation.limit_ma)

    def limits_ma(self) -> dict[str, int]:
        return {evse_id: allocation.limit_ma for evse_id, allocation in self.allocations.items()}

    def really_ma(self, circuit_id: str, phase: int, *, drawn: bool = False) -> int:
        """The load of others and all real limits (or currents) on one line."""
        total = sum(self.loads_ma.get(name, 0) for name in self.below(circuit_id))
        for charger in self.chargers.values():
            if charger.rules.circuit_id in self.below(circuit_id) and phase in charger.rules.phases:
                total += charger.drawn_ma if drawn else charger.real_ma
        return total

    def below(self, circuit_id: str) -> set[str]:
        """The circuit and all that it feeds."""
        found = {circuit_id}
        for _ in self.rules.circuits:
            found |= {one.id for one in self.rules.circuits.values() if one.parent in found}
        return found

    def has_fallen_back(self, charger: Charger) -> bool:
        """Whether it is surely at its fail-safe current by now: 15 s for charger and car after its time-out."""
        silent_ms = self._silent_ms(charger)
        return charger.is_armed and silent_ms > charger.rules.failsafe_timeout_ms + 15_000

    def restart(self) -> None:
        """The daemon is started anew: what was written and read is forgotten, what was armed is not."""
        self.begun_mono_ms = self.mono_ms
        for charger in self.chargers.values():
            charger.held = charger.last = charger.heard_mono_ms = None

    def _silent_ms(self, charger: Charger) -> int:
        heard = charger.heard_mono_ms
        return self.mono_ms - (self.begun_mono_ms if heard is None else heard)

    def _snapshot(self) -> Snapshot:
        for charger in self.chargers.values():
            if charger.is_heard:
                currents = [charger.drawn_ma if i < len(charger.rules.phases) else None for i in range(3)]
                charger.heard_mono_ms = self.mono_ms
                charger.last = EvseReading(
                    charger.rules.id,
                    Contact.OK,
                    read_mono_ms=self.mono_ms,
                    current_ma=(currents[0], currents[1], currents[2]),
                    limit_ma=charger.real_ma,
                )
        for circuit in self.rules.circuits.values():
            if circuit.meter_id is not None and circuit.meter_id not in self.silent_meters:
                a, b, c = (self.really_ma(circuit.id, phase, drawn=True) for phase in (1, 2, 3))
                self.meters[circuit.meter_id] = MeterReading(
                    circuit.meter_id, Contact.OK, read_mono_ms=self.mono_ms, current_ma=(a, b, c)
                )
        readings = {name: charger.last for name, charger in self.chargers.items() if charger.last is not None}
        return Snapshot(readings, dict(self.meters))

    def state(self) -> SiteState:
        return SiteState(
            {
                name: EvseState(
                    name,
                    EvseStatus(name, Availability.UNKNOWN, "", BEGIN),
                    session=charger.session,
                    armed_ma=charger.rules.failsafe_ma if charger.is_armed else None,
                )
                for name, charger in self.chargers.items()
            },
            begun_mono_ms=self.begun_mono_ms,
        )

    def _write(self, charger: Charger, limit_ma: int) -> None:
        held = charger.held
        if held is None and charger.last is not None:
            held = commitment.first(charger.rules.id, charger.last.limit_ma)
        if held is not None and held.confirmed and held.sent_ma == limit_ma:
            charger.held = held
            return
        charger.held = commitment.sent(held, charger.rules.id, limit_ma, self.now)
        if charger.is_heard and not charger.loses_writes:
            charger.real_ma = limit_ma
        if charger.is_heard and not charger.loses_answers:
            charger.held = commitment.confirmed(charger.held, charger.real_ma)
        else:
            charger.held = commitment.failed(charger.held)
