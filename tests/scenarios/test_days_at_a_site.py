"""Days at a site, told as data: at this time this happened, and in the evening these were the books."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

import pytest

from baywarden.model.booking import BookingTerms
from baywarden.model.overstay import Basis, GraceMode, OverstayPolicy
from baywarden.model.reading import Contact, Pilot
from scenarios.day import TEN_CENTS_A_MINUTE, Day, a_site

Act = Callable[[Day], object]

TEN_MINUTES_EARLY: Final = BookingTerms(early_start_s=600, noshow_fee_minor=500)


@dataclass(frozen=True)
class Story:
    """What happens when (UTC), and the books in the evening.

    `bookings`: status and reason; `sessions`: outlet, booking and Wh; `penalties`: outlet, kind and cents.
    """

    happens: tuple[tuple[str, Act], ...]
    bookings: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    sessions: tuple[tuple[str, str | None, int], ...] = ()
    penalties: tuple[tuple[str, str, int], ...] = ()
    terms: BookingTerms = TEN_MINUTES_EARLY
    overstay: OverstayPolicy = TEN_CENTS_A_MINUTE
    evses: tuple[str, ...] = ("b1", "b2")


def book(booking_id: str, start: str, end: str, evse_id: str = "b1", token: str = "T1") -> Act:
    return lambda day: day.book(booking_id, start, end, evse_id, token, power_w=7_000)


def comes(evse_id: str = "b1", token: str | None = None) -> Act:
    return lambda day: day.charge(evse_id, 7_200, token)


def full(evse_id: str = "b1") -> Act:
    return lambda day: day.fill(evse_id)


def leaves(evse_id: str = "b1") -> Act:
    return lambda day: day.leave(evse_id)


def goes_silent(evse_id: str = "b1") -> Act:
    return lambda day: setattr(day.bays[evse_id], "contact", Contact.LINK_DOWN)


def is_heard(evse_id: str = "b1") -> Act:
    return lambda day: setattr(day.bays[evse_id], "contact", Contact.OK)


def breaks(evse_id: str = "b1") -> Act:
    return lambda day: setattr(day.bays[evse_id], "pilot", Pilot.F)


def is_mended(evse_id: str = "b1") -> Act:
    return lambda day: setattr(day.bays[evse_id], "pilot", Pilot.A)


def is_paused(evse_id: str = "b1") -> Act:
    def act(day: Day) -> None:
        day.bays[evse_id].limit_ma, day.bays[evse_id].power_w = 0, 0

    return act


def is_offered_power(evse_id: str = "b1") -> Act:
    return lambda day: setattr(day.bays[evse_id], "limit_ma", 16_000)


def restarts(off_s: int, *, new_boot: bool = False) -> Act:
    return lambda day: day.restart(off_s, new_boot=new_boot)


WHOLE_IF_LATE: Final = replace(TEN_CENTS_A_MINUTE, grace_mode=GraceMode.WAIVE_IF_WITHIN, grace_s=300)
BOOKED_TIME: Final = replace(
    TEN_CENTS_A_MINUTE, basis=Basis.BOOKING_END, rate_per_min=Decimal("0.25"), grace_s=600
)

DAYS: Final[dict[str, Story]] = {
    "a booking that is kept costs nothing but its energy": Story(
        (
            ("9:00", book("k1", "10:00", "12:00")),
            ("9:55", comes(token="T1")),
            ("11:55", leaves()),
        ),
        bookings={"k1": ("FULFILLED", None)},
        sessions=(("b1", "k1", 14_400),),
    ),
    "who does not come pays, and the next one has the outlet": Story(
        (
            ("9:00", book("k1", "10:00", "12:00")),
            ("10:16", book("k2", "10:20", "11:00", token="T2")),
            ("10:25", comes(token="T2")),
            ("10:55", leaves()),
        ),
        bookings={"k1": ("NO_SHOW", None), "k2": ("FULFILLED", None)},
        sessions=(("b1", "k2", 3_600),),
        penalties=(("b1", "NO_SHOW", 500),),
    ),
    # Charged 9:00-10:00; idle to 12:47 = 167 min; 10 min of grace; 157 min at 0.10 are 15.70, capped at 12.00.
    "a walk-in that overstays by hours pays up to the cap": Story(
        (("9:00", comes()), ("10:00", full()), ("12:47", leaves())),
        sessions=(("b1", None, 7_200),),
        penalties=(("b1", "OVERSTAY", 1_200),),
    ),
    # Idle 10:00:00-10:43:30; grace to 10:10; 33.5 min round up to 34 steps of a minute: 3.40.
    "a walk-in that overstays a little pays by the begun minute": Story(
        (("9:00", comes()), ("10:00", full()), ("10:43", lambda day: day.run(30)), ("10:43", leaves())),
        sessions=(("b1", None, 7_200),),
        penalties=(("b1", "OVERSTAY", 340),),
    ),
    # Five minutes waived while within, but 9 min cost all of 9: 0.90.
    "a waived grace is billed once it is exceeded": Story(
        (("9:00", comes()), ("10:00", full()), ("10:09", leaves()), ("11:00", comes()), ("12:00", leaves())),
        sessions=(("b1", None, 7_200), ("b1", None, 7_200)),
        penalties=(("b1", "OVERSTAY", 90),),
        overstay=WHOLE_IF_LATE,
    ),
    # Two idle times, 10:00-10:20 and 11:00-11:15: 35 min on one clock, less one grace of 10: 2.50.
    "charging again ends the idle time, and the grace is one for the session": Story(
        (
            ("9:00", comes()),
            ("10:00", full()),
            ("10:20", comes()),
            ("11:00", full()),
            ("11:15", leaves()),
        ),
        sessions=(("b1", None, 12_000),),
        penalties=(("b1", "OVERSTAY", 250),),
    ),
    # Booked to 11:00, grace to 11:10, left at 11:30: 20 min at 0.25 are 5.00; the next one gives up at 11:15.
    "who outstays his booking pays, and who waits for him does not": Story(
        (
            ("9:00", book("k1", "10:00", "11:00")),
            ("9:00", book("k2", "11:00", "12:00", token="T2")),
            ("10:00", comes(token="T1")),
            ("11:30", leaves()),
        ),
        evses=("b1",),
        bookings={"k1": ("FULFILLED", None), "k2": ("CANCELED", "FULL")},
        sessions=(("b1", "k1", 10_800),),
        penalties=(("b1", "OVERSTAY", 500),),
        overstay=BOOKED_TIME,
    ),
    # The hold of k1 begins at 9:50: from 10:00 (grace) to 10:30 are 30 min at 0.25: 7.50.
    "a walk-in in a booking's way is judged like one": Story(
        (
            ("9:00", book("k1", "10:00", "11:00")),
            ("9:05", comes(token="T9")),
            ("10:30", leaves()),
        ),
        evses=("b1",),
        bookings={"k1": ("CANCELED", "FULL")},
        sessions=(("b1", None, 10_200),),
        penalties=(("b1", "OVERSTAY", 750),),
        overstay=BOOKED_TIME,
    ),
    "a charger that breaks before the hold cancels the booking without a fee": Story(
        (
            ("9:00", book("k1", "10:00", "11:00")),
            ("9:45", breaks()),
            ("11:00", is_mended()),
        ),
        evses=("b1",),
        bookings={"k1": ("CANCELED", "BROKEN_CHARGER")},
    ),
    "a link that is down through the hold cancels the booking without a fee": Story(
        (
            ("9:00", book("k1", "10:00", "11:00")),
            ("9:45", goes_silent()),
            ("11:00", is_heard()),
        ),
        evses=("b1",),
        bookings={"k1": ("CANCELED", "POWER_OUTAGE")},
    ),
    "a booking whose outlet is not left moves to a free one": Story(
        (
            ("9:00", book("k1", "10:00", "11:00")),
            ("9:00", book("k2", "11:00", "12:00", token="T2")),
            ("10:00", comes(token="T1")),
            ("11:05", comes("b2", token="T2")),
            ("11:30", leaves()),
            ("11:50", leaves("b2")),
        ),
        bookings={"k1": ("FULFILLED", None), "k2": ("FULFILLED", None)},
        sessions=(("b1", "k1", 10_800), ("b2", "k2", 5_400)),
        penalties=(("b1", "OVERSTAY", 500),),
        overstay=BOOKED_TIME,
    ),
    "a booking at a broken charger moves when its hold begins": Story(
        (
            ("9:00", book("k1", "10:00", "11:00")),
            ("9:45", breaks()),
            ("9:55", comes("b2", token="T1")),
            ("10:55", leaves("b2")),
            ("11:00", is_mended()),
        ),
        bookings={"k1": ("FULFILLED", None)},
        sessions=(("b2", "k1", 7_200),),
    ),
    "a booking that had to move and is not used costs nothing": Story(
        (
            ("9:00", book("k1", "10:00", "11:00")),
            ("9:45", breaks()),
            ("11:00", is_mended()),
        ),
        bookings={"k1": ("NO_SHOW", None)},
    ),
    # Idle 10:00-10:30 and 11:30-11:40 are known: 40 min less 10 of grace: 3.00. The hour of silence is free.
    "silence in mid-session is not billed": Story(
        (
            ("9:00", comes()),
            ("10:00", full()),
            ("10:30", goes_silent()),
            ("11:30", is_heard()),
            ("11:40", leaves()),
        ),
        sessions=(("b1", None, 7_200),),
        penalties=(("b1", "OVERSTAY", 300),),
    ),
    # Paused by the site 9:30-11:30, full at 12:00, gone at 12:20: 20 min less 10: 1.00.
    "a pause by the site is not the driver's idleness": Story(
        (
            ("9:00", comes()),
            ("9:30", is_paused()),
            ("11:30", is_offered_power()),
            ("11:30", comes()),
            ("12:00", full()),
            ("12:20", leaves()),
        ),
        sessions=(("b1", None, 7_200),),
        penalties=(("b1", "OVERSTAY", 100),),
    ),
    # The gateway is off 10:10-10:40 with good clocks; idle 10:00-11:00 less 10 of grace: 5.00.
    "a gateway that reboots in mid-session bills as if it had been there": Story(
        (
            ("9:00", comes()),
            ("10:00", full()),
            ("10:10", restarts(1800, new_boot=True)),
            ("11:00", leaves()),
        ),
        sessions=(("b1", None, 7_200),),
        penalties=(("b1", "OVERSTAY", 500),),
    ),
    "two outlets keep their own books": Story(
        (
            ("9:00", book("k1", "10:00", "11:00", "b2", "T2")),
            ("9:00", comes("b1")),
            ("9:51", comes("b2", "T2")),
            ("10:00", full("b1")),
            ("10:51", leaves("b2")),
            ("11:00", leaves("b1")),
        ),
        bookings={"k1": ("FULFILLED", None)},
        sessions=(("b1", None, 7_200), ("b2", "k1", 7_200)),
        penalties=(("b1", "OVERSTAY", 500),),
    ),
}


@pytest.mark.parametrize("sentence", DAYS)
def test_a_day_ends_with_the_right_books(sentence: str) -> None:
    story = DAYS[sentence]
    day = Day(a_site(*story.evses, terms=story.terms, overstay=story.overstay), every_s=10)
    day.tick()
    for moment, act in story.happens:
        if day.clock.now().at < day.at(moment):
            day.run_to(moment)
        act(day)
        day.tick()
    day.run_to("18:00")
    told = {key: day.booking(key) for key in story.bookings}
    assert {
        key: (b.status.value, b.canceled_reason.value if b.canceled_reason else None)
        for key, b in told.items()
    } == story.bookings
    assert tuple((s.evse_id, s.booking_id, s.energy_wh) for s in day.sessions()) == story.sessions
    assert tuple((p.evse_id, p.kind.value, p.amount_minor) for p in day.penalties()) == story.penalties
    assert all(p.status.value == "FINAL" for p in day.penalties())
    assert {day.seen(b)[0] for b in story.evses} == {"available"}
    keys = [n.key for n in day.notices()]
    assert len(keys) == len(set(keys)), "no notice is raised twice"
    assert day.state.places == {}
