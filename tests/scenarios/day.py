"""A site without wires: bays that tests plug cars into, and the brain that judges them on a fake clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

from baywarden.model.booking import Booking, BookingTerms
from baywarden.model.command import (
    CancelBooking,
    Command,
    Door,
    FindSlots,
    PutBooking,
    Reply,
    Request,
    StopSession,
)
from baywarden.model.evse import EvseState
from baywarden.model.notice import Notice, NoticeKind
from baywarden.model.overstay import Basis, OverstayPolicy, Penalty
from baywarden.model.reading import ChargerState, Contact, EvseReading, Pilot, Snapshot
from baywarden.model.session import MeterSample, Session
from baywarden.model.site import Anchor, Circuit, EvseRules, SiteRules
from baywarden.model.step import (
    BookingChanged,
    Commanded,
    Effect,
    MeterSampled,
    NoticeRaised,
    Observed,
    PenaltyChanged,
    Restarted,
    SessionChanged,
    StatusChanged,
    Step,
)
from baywarden.policy import site
from support.clock import FakeClock

MINUTE: Final = 60
HOUR: Final = 3600
NINE: Final = datetime(2026, 6, 15, 9, tzinfo=UTC)

E = TypeVar("E")

TEN_CENTS_A_MINUTE: Final = OverstayPolicy(
    id="idle",
    currency="EUR",
    tz="Europe/Berlin",
    basis=Basis.CHARGE_END,
    rate_per_min=Decimal("0.10"),
    grace_s=10 * MINUTE,
    cap_per_session=Decimal("12.00"),
)


def a_site(
    *evse_ids: str,
    terms: BookingTerms | None = None,
    overstay: OverstayPolicy | None = None,
    limit_ma: int = 1_000_000,
    stale_after_ms: int = 10_000,
) -> SiteRules:
    """Rules of a site with these outlets on one circuit."""
    evses = {
        evse_id: EvseRules(
            evse_id, f"Bay {evse_id}", "main", terms=terms or BookingTerms(), overstay=overstay
        )
        for evse_id in evse_ids or ("b1",)
    }
    circuits = {"main": Circuit("main", limit_ma)}
    return SiteRules("s1", "Europe/Berlin", "EUR", evses, circuits, stale_after_ms=stale_after_ms)


@dataclass
class Bay:
    """One outlet as the charger tells it; the register counts what is drawn."""

    evse_id: str
    pilot: Pilot | None = Pilot.A
    state: ChargerState | None = None
    power_w: int | None = 0
    limit_ma: int | None = 16_000
    id_tag: str | None = None
    error_code: int | None = None
    contact: Contact = Contact.OK
    counts: bool = True
    energy_ws: int = 5_000_000 * 3600
    reading: EvseReading = field(default_factory=lambda: EvseReading(""))

    def poll(self, mono_ms: int) -> EvseReading:
        """A silent charger keeps its last values with their old age."""
        if self.contact is Contact.NEVER:
            return EvseReading(self.evse_id)
        if self.contact is not Contact.OK:
            self.reading = replace(self.reading, evse_id=self.evse_id, contact=self.contact)
            return self.reading
        self.reading = EvseReading(
            self.evse_id,
            Contact.OK,
            read_mono_ms=mono_ms,
            pilot=self.pilot,
            state=self.state,
            power_w=self.power_w,
            energy_wh=self.energy_ws // 3600 if self.counts else None,
            limit_ma=self.limit_ma,
            id_tag=self.id_tag,
            error_code=self.error_code,
        )
        return self.reading

    def pass_time(self, seconds: int) -> None:
        """What is drawn is counted."""
        self.energy_ws += (self.power_w or 0) * seconds


class Day:
    """Drives `decide` as the brain's task does, and remembers all that it wanted."""

    def __init__(self, rules: SiteRules, clock: FakeClock | None = None, *, every_s: int = 5) -> None:
        self.rules = rules
        self.clock = clock or FakeClock(NINE)
        self.every_s = every_s
        self.bays = {evse_id: Bay(evse_id) for evse_id in rules.evses}
        self.state = site.begin(rules, (), self.clock.now())
        self.effects: list[Effect] = []
        self.final: dict[str, Booking] = {}
        self._commands = 0

    # What happens

    def tick(self) -> Step:
        """One cycle."""
        now = self.clock.now()
        readings = {evse_id: bay.poll(now.mono_ms) for evse_id, bay in self.bays.items()}
        return self._take(site.decide(self.state, Observed(Snapshot(readings)), self.rules, now))

    def run(self, seconds: int) -> "Day":
        """Let time pass, cycle by cycle."""
        until_s = 0
        while until_s < seconds:
            step_s = min(self.every_s, seconds - until_s)
            self.clock.leap(step_s)
            for bay in self.bays.values():
                bay.pass_time(step_s)
            until_s += step_s
            self.tick()
        return self

    def run_to(self, hour_minute: str) -> "Day":
        """Let time pass until so much of the day, UTC."""
        return self.run(round((self.at(hour_minute) - self.clock.now().at).total_seconds()))

    def charge(self, evse_id: str = "b1", power_w: int = 7_200, id_tag: str | None = None) -> None:
        """A car is plugged in, or goes on, and draws."""
        bay = self.bays[evse_id]
        bay.pilot, bay.power_w = Pilot.C, power_w
        bay.id_tag = id_tag if id_tag is not None else bay.id_tag
        self.tick()

    def plug(self, evse_id: str = "b1", id_tag: str | None = None) -> None:
        """A car is plugged in and asks for nothing yet."""
        bay = self.bays[evse_id]
        bay.pilot, bay.power_w, bay.id_tag = Pilot.B, 0, id_tag
        self.tick()

    def fill(self, evse_id: str = "b1") -> None:
        """The car is full."""
        bay = self.bays[evse_id]
        bay.pilot, bay.power_w = Pilot.B, 0
        self.tick()

    def leave(self, evse_id: str = "b1") -> None:
        """The car is unplugged."""
        bay = self.bays[evse_id]
        bay.pilot, bay.power_w, bay.id_tag = Pilot.A, 0, None
        self.tick()

    def ask(self, request: Request, door: Door = Door.CLOUD, **fields: Any) -> Reply:
        """A command, with the finished booking that the store would know."""
        self._commands += 1
        command = Command(f"c{self._commands}", "asked", request, door, **fields)
        known = self.final.get(getattr(request, "booking_id", ""))
        step = site.decide(self.state, Commanded(command, known), self.rules, self.clock.now())
        assert step.reply is not None
        self._take(step)
        return step.reply

    def book(
        self,
        booking_id: str,
        start: str,
        end: str,
        evse_id: str | None = "b1",
        token: str = "T1",
        **fields: Any,
    ) -> Reply:
        """PutBooking with times of this day."""
        return self.ask(PutBooking(booking_id, self.at(start), self.at(end), token, evse_id, **fields))

    def cancel(self, booking_id: str, door: Door = Door.CLOUD, **fields: Any) -> Reply:
        """CancelBooking."""
        return self.ask(CancelBooking(booking_id, **fields), door)

    def find(self, start: str, end: str, duration_s: int, **fields: Any) -> Reply:
        """FindSlots with times of this day."""
        return self.ask(FindSlots(self.at(start), self.at(end), duration_s, **fields))

    def stop(self, session_id: str, door: Door = Door.CLOUD) -> Reply:
        """StopSession."""
        return self.ask(StopSession(session_id), door)

    def restart(
        self,
        off_s: int = 0,
        *,
        new_boot: bool = False,
        knows_anchor: bool = True,
        trusted: bool | None = None,
        clock_error_s: int = 0,
    ) -> None:
        """The daemon, or the whole gateway, was off for so long; cars went on, the calendar may be wrong."""
        then = self.clock.now()
        anchor = Anchor(then.boot_id, then.mono_ms, then.at, then.trusted)
        if new_boot:
            self.clock.new_boot(off_s=max(0, off_s - 5), uptime_s=min(5, off_s))
        else:
            self.clock.leap(off_s)
        for bay in self.bays.values():
            bay.pass_time(off_s)
            bay.reading = EvseReading(bay.evse_id)
        if trusted is not None:
            self.clock.trusted = trusted
        self.clock.step_wall(clock_error_s)
        now = self.clock.now()
        self.state = site.begin(self.rules, self.state.evses.values(), now, self.state.tokens)
        event = Restarted(anchor if knows_anchor else None)
        self._take(site.decide(self.state, event, self.rules, now))

    # What came of it

    def at(self, hour_minute: str) -> datetime:
        """This day at that time, UTC."""
        hour, _, minute = hour_minute.partition(":")
        return NINE.replace(hour=0) + timedelta(hours=int(hour), minutes=int(minute))

    def evse(self, evse_id: str = "b1") -> EvseState:
        """The live state of an outlet."""
        return self.state.evses[evse_id]

    def session(self, evse_id: str = "b1") -> Session:
        """The open session of an outlet."""
        session = self.evse(evse_id).session
        assert session is not None
        return session

    def booking(self, booking_id: str) -> Booking:
        """A booking as it was last told."""
        return [
            e.booking for e in self.effects if isinstance(e, BookingChanged) and e.booking.id == booking_id
        ][-1]

    def seen(self, evse_id: str = "b1") -> tuple[str, str]:
        """Availability and its reason."""
        status = self.evse(evse_id).status
        return status.availability.value, status.reason

    def sessions(self) -> list[Session]:
        """Sessions as they were last told, in the order in which they began."""
        found = {e.session.id: e.session for e in self.effects if isinstance(e, SessionChanged)}
        return list(found.values())

    def penalties(self) -> list[Penalty]:
        """Penalties as they were last told."""
        return list({e.penalty.id: e.penalty for e in self.effects if isinstance(e, PenaltyChanged)}.values())

    def notices(self, kind: NoticeKind | None = None) -> list[Notice]:
        """Notices in their order."""
        found = [e.notice for e in self.effects if isinstance(e, NoticeRaised)]
        return [notice for notice in found if kind in (None, notice.kind)]

    def samples(self) -> list[MeterSample]:
        """Meter samples in their order."""
        return [e.sample for e in self.effects if isinstance(e, MeterSampled)]

    def statuses(self, evse_id: str = "b1") -> list[str]:
        """The availabilities that were told, one after the other."""
        found = [
            e.status for e in self.effects if isinstance(e, StatusChanged) and e.status.evse_id == evse_id
        ]
        told = [status.availability.value for status in found]
        return [word for place, word in enumerate(told) if place == 0 or told[place - 1] != word]

    def _take(self, step: Step) -> Step:
        self.state = step.state
        self.effects += step.effects
        for booking in _bookings(step.effects):
            if booking.status.is_final:
                self.final[booking.id] = booking
        return step


def _bookings(effects: Iterable[Effect]) -> Iterable[Booking]:
    return (effect.booking for effect in effects if isinstance(effect, BookingChanged))
