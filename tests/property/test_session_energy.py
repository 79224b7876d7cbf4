"""The energy of a session: it never falls, is never negative and never more than the outlet gave, whatever happens."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden.model.reading import Contact
from baywarden.model.session import SessionStatus
from scenarios.day import MINUTE, Day, a_site

ROOM_WH: Final = 100
"""What a jump of the register may bring at most each time (policy.metering)."""
POWER_W: Final = 7_200

HAPPENINGS: Final = st.one_of(
    st.tuples(st.just("draws"), st.integers(1, 20 * MINUTE)),
    st.tuples(st.just("meter swapped"), st.integers(0, 10_000_000)),
    st.tuples(st.just("counter reset"), st.just(0)),
    st.tuples(st.just("charger rebooted"), st.integers(5, 5 * MINUTE)),
    st.tuples(st.just("we restarted"), st.integers(1, 10 * MINUTE)),
    st.tuples(st.just("gateway rebooted"), st.integers(6, 10 * MINUTE)),
    st.tuples(st.just("register unreadable"), st.integers(1, 5 * MINUTE)),
    st.tuples(st.just("one wild register"), st.integers(0, 2**32)),
)


def happens(day: Day, what: str, size: int) -> None:
    """One thing, and some time after it."""
    bay = day.bays["b1"]
    match what:
        case "draws":
            day.run(size)
        case "meter swapped":
            bay.energy_ws = size * 3600
        case "counter reset":
            bay.energy_ws = 0
        case "charger rebooted":
            bay.contact, drew_w, bay.power_w = Contact.LINK_DOWN, bay.power_w, 0
            day.run(size)
            bay.contact, bay.power_w, bay.energy_ws = Contact.OK, drew_w, 0
        case "we restarted":
            day.restart(off_s=size)
        case "gateway rebooted":
            day.restart(off_s=size, new_boot=True)
        case "register unreadable":
            bay.counts = False
            day.run(size)
            bay.counts = True
        case "one wild register":
            true_ws, bay.energy_ws = bay.energy_ws, size * 3600
            day.tick()
            bay.energy_ws = true_ws
    day.run(10)


@settings(max_examples=60, deadline=None)
@given(st.lists(HAPPENINGS, max_size=12))
def test_energy_only_grows_and_is_never_more_than_was_given(happenings: list[tuple[str, int]]) -> None:
    day = Day(a_site(), every_s=10)
    day.charge(power_w=POWER_W)
    began_at, counted_wh = day.clock.now().at, 0
    for what, size in happenings:
        happens(day, what, size)
        session = day.session()
        assert session.energy_wh >= counted_wh, what
        counted_wh = session.energy_wh
    day.leave()
    (session,) = day.sessions()
    passed_s = (day.clock.now().at - began_at).total_seconds()
    given_wh = POWER_W * passed_s / 3600 + ROOM_WH * (2 * len(happenings) + 1)
    assert counted_wh <= session.energy_wh <= given_wh
    assert session.status is SessionStatus.COMPLETED
    assert all(sample.energy_wh >= 0 for sample in day.samples())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 15 * MINUTE), min_size=1, max_size=8), st.data())
def test_a_restart_of_ours_costs_no_energy(stretches_s: list[int], data: st.DataObject) -> None:
    day = Day(a_site(), every_s=10)
    day.charge(power_w=POWER_W)
    passed_s = 0
    for stretch_s in stretches_s:
        day.run(stretch_s)
        off_s = data.draw(st.integers(0, 10 * MINUTE))
        day.restart(off_s=off_s)
        day.tick()
        passed_s += stretch_s + off_s
    day.leave()
    (session,) = day.sessions()
    assert session.energy_wh == POWER_W * passed_s // 3600
    assert not session.energy_suspect
