"""Laws of the site's brain, under any order of events."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden.model.booking import Booking, BookingTerms
from baywarden.model.command import CancelBooking, FindSlots, PutBooking, Reason, Result
from baywarden.model.overstay import Basis
from baywarden.model.reading import Contact, Pilot
from scenarios.day import NINE, TEN_CENTS_A_MINUTE, Day, a_site

EVSES = ("b1", "b2", "b3")
BUFFER = timedelta(minutes=10)
QUARTER = timedelta(minutes=15)

quarters = st.integers(min_value=0, max_value=24)
lengths = st.integers(min_value=1, max_value=8)
powers = st.sampled_from([0, 4_200, 7_000, 11_000])
puts = st.builds(
    lambda n, token, evse_id, start, length, power_w: PutBooking(
        f"k{n}", NINE + start * QUARTER, NINE + (start + length) * QUARTER, f"T{token}", evse_id, power_w
    ),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([*EVSES, None]),
    quarters,
    lengths,
    powers,
)
cancels = st.builds(lambda n: CancelBooking(f"k{n}"), st.integers(0, 5))


def a_day(limit_ma: int = 40_000) -> Day:
    terms = BookingTerms(buffer_s=600, early_start_s=300, noshow_fee_minor=500)
    day = Day(a_site(*EVSES, terms=terms, limit_ma=limit_ma), every_s=60)
    day.tick()
    return day


def live(day: Day) -> Iterator[Booking]:
    return (booking for evse in day.state.evses.values() for booking in evse.bookings)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(puts, cancels, st.integers(1, 30)), max_size=30))
def test_no_two_live_bookings_of_an_outlet_overlap_whatever_is_asked(
    events: list[PutBooking | CancelBooking | int],
) -> None:
    day = a_day()
    for event in events:
        if isinstance(event, int):
            day.clock.leap(event * 60)
            day.tick()
        else:
            day.ask(event)
        for evse in day.state.evses.values():
            for earlier, later in pairwise(evse.bookings):
                assert earlier.end_at + BUFFER <= later.start_at
        assert {b.id: b.evse_id for b in live(day)} == dict(day.state.places)


@settings(max_examples=60, deadline=None)
@given(st.lists(puts, min_size=2, max_size=25))
def test_a_change_is_made_or_leaves_the_old_one_as_it_was(wishes: list[PutBooking]) -> None:
    day = a_day()
    for wish in wishes:
        before = {b.id: b for b in live(day)}
        reply = day.ask(wish)
        after = {b.id: b for b in live(day)}
        old = before.pop(wish.booking_id, None)
        new = after.pop(wish.booking_id, None)
        assert after == before, "no other booking is touched"
        if reply.result is Result.REJECTED:
            assert new == old
        else:
            assert new is not None
            assert (new.start_at, new.end_at, new.token) == (wish.start_at, wish.end_at, wish.token)
            assert new.rev == (1 if old is None else old.rev + (new != old))
            assert day.ask(wish).rev == new.rev, "asked again it changes nothing"


@settings(max_examples=60, deadline=None)
@given(st.lists(puts, max_size=15), quarters, st.integers(1, 12), powers, st.sampled_from([*EVSES, None]))
def test_what_is_found_can_be_booked(
    wishes: list[PutBooking], start: int, quarters_long: int, power_w: int, evse_id: str | None
) -> None:
    day = a_day()
    for wish in wishes:
        day.ask(wish)
    from_at = NINE + start * QUARTER
    request = FindSlots(from_at, from_at + timedelta(hours=6), quarters_long * 900, power_w, evse_id, limit=6)
    state = day.state
    for slot in day.ask(request).data["slots"]:
        day.state = state
        wish = PutBooking(
            "new", _at(slot["start_at"]), _at(slot["end_at"]), "nobody", slot["evse_id"], slot["power_w"]
        )
        reply = day.ask(wish)
        assert reply.result is Result.ACCEPTED, (slot, reply)


@settings(max_examples=40, deadline=None)
@given(st.lists(puts, max_size=12), quarters, st.integers(1, 8))
def test_what_is_not_offered_earlier_could_not_be_booked_earlier(
    wishes: list[PutBooking], start: int, quarters_long: int
) -> None:
    day = a_day()
    for wish in wishes:
        day.ask(wish)
    from_at, length = NINE + start * QUARTER, quarters_long * QUARTER
    request = FindSlots(from_at, from_at + timedelta(hours=3), quarters_long * 900, 4_200, "b1", limit=1)
    found = day.ask(request).data["slots"]
    first = _at(found[0]["start_at"]) if found else from_at + timedelta(hours=3) - length
    state, at = day.state, from_at
    while at < first:
        day.state = state
        reply = day.ask(PutBooking("new", at, at + length, "nobody", "b1", 4_200))
        assert reply.reason in (Reason.SLOT_TAKEN, Reason.NO_CAPACITY), (at, first)
        at += timedelta(minutes=5)


steps = st.one_of(
    st.tuples(
        st.sampled_from(["charge", "plug", "fill", "leave", "pause", "offer", "stop"]), st.integers(1, 20)
    ),
    st.tuples(st.just("silence"), st.integers(1, 20)),
    st.tuples(st.just("fault"), st.integers(1, 20)),
)


def play(script: list[tuple[str, int]], cut: int | None, *, new_boot: bool, basis: Basis) -> Day:
    policy = replace(TEN_CENTS_A_MINUTE, basis=basis, grace_s=120, cap_per_session=None, step_s=1)
    terms = BookingTerms(noshow_fee_minor=500, early_start_s=300)
    day = Day(a_site("b1", terms=terms, overstay=policy), every_s=5)
    day.tick()
    day.book("k1", "9:30", "10:30")
    day.book("k2", "11:00", "12:00", token="T2")
    for place, (what, minutes) in enumerate(script):
        if place == cut:
            day.restart(0, new_boot=new_boot)
        _do(day, what)
        day.run(minutes * 60)
        day.bays["b1"].contact = Contact.OK
        if day.bays["b1"].pilot is Pilot.F:
            day.bays["b1"].pilot = Pilot.B
        day.tick()
    day.leave()
    day.run_to("18:00")
    return day


def _do(day: Day, what: str) -> None:
    bay = day.bays["b1"]
    if what in ("charge", "plug", "leave"):
        getattr(day, what)()
    elif what == "fill" and bay.pilot is Pilot.C:
        day.fill()
    elif what == "pause":
        bay.limit_ma, bay.power_w = 0, 0
    elif what == "offer":
        bay.limit_ma = 16_000
    elif what == "silence":
        bay.contact = Contact.SILENT
    elif what == "fault":
        bay.pilot, bay.power_w = Pilot.F, 0
    elif what == "stop":
        session = day.evse().session
        if session is not None:
            day.stop(session.id)


def books(day: Day) -> tuple[object, ...]:
    return (
        [(s.booking_id, s.energy_wh, s.started_at, s.ended_at) for s in day.sessions()],
        [(p.kind, p.status, p.amount_minor, p.billable_s) for p in day.penalties()],
        [(day.booking(key).status, day.booking(key).canceled_reason) for key in ("k1", "k2")],
        sorted(n.kind.value for n in day.notices()),
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(steps, min_size=1, max_size=10),
    st.integers(0, 9),
    st.booleans(),
    st.sampled_from(Basis),
)
def test_a_run_that_is_cut_by_a_restart_ends_with_the_same_books(
    script: list[tuple[str, int]], cut: int, new_boot: bool, basis: Basis
) -> None:
    whole = play(script, None, new_boot=new_boot, basis=basis)
    parts = play(script, min(cut, len(script) - 1), new_boot=new_boot, basis=basis)
    assert books(parts) == books(whole)


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, min_size=1, max_size=12), st.sampled_from(Basis))
def test_a_timeline_has_no_gap_and_no_overlap_and_is_as_long_as_its_session(
    script: list[tuple[str, int]], basis: Basis
) -> None:
    day = play(script, None, new_boot=False, basis=basis)
    for session in day.sessions():
        at = session.started_at
        for segment in session.segments:
            assert segment.from_at == at
            assert segment.duration_ms > 0
            at += timedelta(milliseconds=segment.duration_ms)
        assert session.ended_at == at


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
