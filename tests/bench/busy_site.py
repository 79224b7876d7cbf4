"""A site of 200 outlets under a tree of fuses, with as many bookings and cars as a benchmark asks for."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from baywarden.model.booking import Booking, BookingPhase, BookingStatus, BookingTerms
from baywarden.model.evse import Availability, EvseState, EvseStatus
from baywarden.model.overstay import Basis, OccupancyBand, OverstayPolicy
from baywarden.model.reading import Contact, EvseReading, Pilot, Snapshot
from baywarden.model.site import Circuit, EvseRules, SiteRules, SiteState
from baywarden.model.time import ClockQuality, Now
from baywarden.policy import site

OUTLETS: Final = 200
ROWS: Final = 10
AT: Final = datetime(2026, 6, 15, 6, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
TERMS: Final = BookingTerms(buffer_s=600, early_start_s=600, increment_s=300, noshow_fee_minor=500)
POLICY: Final = OverstayPolicy(
    "idle",
    "EUR",
    "Europe/Berlin",
    Basis.CHARGE_END,
    Decimal("0.10"),
    grace_s=600,
    cap_per_session=Decimal(12),
)
BY_OCCUPANCY: Final = replace(
    POLICY, occupancy=(OccupancyBand(0, Decimal("0.5")), OccupancyBand(60, Decimal(1)))
)


def rules(policy: OverstayPolicy | None = POLICY, outlets: int = OUTLETS) -> SiteRules:
    """Rows of outlets whose fuses hold fewer than all of them at full power."""
    per_row = -(-outlets // ROWS)
    circuits = {"main": Circuit("main", outlets * 12_000)}
    circuits |= {f"row-{n}": Circuit(f"row-{n}", per_row * 14_000, parent="main") for n in range(ROWS)}
    evses = {
        f"bay-{n}": EvseRules(
            f"bay-{n}", f"Bay {n}", f"row-{n % ROWS}", terms=TERMS, overstay=policy, groups=frozenset({"all"})
        )
        for n in range(outlets)
    }
    return SiteRules("bench", "Europe/Berlin", "EUR", evses, circuits)


def now(at: datetime = AT) -> Now:
    """Both clocks at that moment."""
    mono_ms = 1_000_000 + (at - AT) // timedelta(milliseconds=1)
    return Now(at, mono_ms, "boot-1", ClockQuality.SYNCHRONISED)


def booked(
    known: SiteRules, count: int, days: float = 80, first_at: datetime = AT + HOUR, seed: int = 7
) -> SiteState:
    """A state with `count` bookings, evenly over the outlets and over so many days from `first_at` on."""
    dice = random.Random(seed)
    per_outlet = -(-count // len(known.evses))
    slot_s = int(days * 86_400) // per_outlet // 300 * 300
    saved = []
    for evse_id in known.evses:
        free = EvseStatus(evse_id, Availability.AVAILABLE, "free", AT)
        bookings = tuple(_booking(evse_id, n, slot_s, first_at, dice) for n in range(per_outlet))
        saved.append(EvseState(evse_id, free, bookings))
    return site.begin(known, saved, now())


def polled(known: SiteRules, at: datetime, cars: Mapping[str, tuple[Pilot, int]] | None = None) -> Snapshot:
    """Every outlet heard just now; `cars` says pilot and power in W where one is plugged in."""
    mono_ms, plugged = now(at).mono_ms, cars or {}
    readings = {}
    for evse_id in known.evses:
        pilot, power_w = plugged.get(evse_id, (Pilot.A, 0))
        readings[evse_id] = EvseReading(
            evse_id,
            Contact.OK,
            read_mono_ms=mono_ms,
            pilot=pilot,
            power_w=power_w,
            energy_wh=5_000_000 + max(0, mono_ms // 3_600 if power_w else 0),
            limit_ma=16_000,
        )
    return Snapshot(readings)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes once."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def percentile(found: list[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    return sorted(found)[min(len(found) - 1, len(found) * percent // 100)]


def _booking(evse_id: str, n: int, slot_s: int, first_at: datetime, dice: random.Random) -> Booking:
    room_s = slot_s - 600
    length_s = max(900, min(7_200, room_s) // 300 * 300)
    start_at = first_at + timedelta(seconds=n * slot_s + dice.randrange(0, max(1, room_s - length_s), 300))
    return Booking(
        f"{evse_id}/{n}",
        evse_id,
        start_at,
        start_at + timedelta(seconds=length_s),
        f"T{dice.randrange(10**6)}",
        BookingStatus.RESERVED,
        AT,
        AT,
        phase=BookingPhase.SCHEDULED,
        power_w=dice.choice((0, 4_200, 7_000, 11_000)),
    )
