"""A pause that leaves a little current counts with that, and is a pause all the same."""

from baywarden.model.reading import Contact, EvseReading, Snapshot
from baywarden.model.site import Allocation, Circuit, Commitment
from baywarden.policy.commitment import confirmed, sent
from baywarden.policy.power import share
from support.power_yard import Yard, outlet, site

LEFT_MA = 2_500


def _shared() -> dict[str, Allocation]:
    """Outlet `a` is paused and draws what that leaves; both have a car."""
    yard = Yard(site([Circuit("yard", 32_000)], [outlet("a"), outlet("b")]))
    yard.cycles(120)
    for name in "ab":
        yard.plug_in(name)
    held = {
        "a": Commitment("a", LEFT_MA, 0, confirmed=True),
        "b": Commitment("b", 0, 0, confirmed=True),
    }
    readings = {
        "a": EvseReading("a", Contact.OK, read_mono_ms=yard.mono_ms, current_ma=(LEFT_MA,) * 3),
        "b": EvseReading("b", Contact.OK, read_mono_ms=yard.mono_ms, current_ma=(0, 0, 0)),
    }
    return dict(share(yard.rules, yard.state(), Snapshot(readings), held, yard.now))


def test_what_is_read_back_of_a_pause_is_proof_and_counts() -> None:
    yard = Yard(site([Circuit("yard", 32_000)], [outlet("a")]))
    paused = sent(Commitment("a", 16_000, 16_000, confirmed=True), "a", 0, yard.now)
    held = confirmed(paused, 0, LEFT_MA)
    assert (held.allowed_ma, held.sent_ma, held.confirmed) == (LEFT_MA, 0, True)


def test_it_is_raised_again_as_any_other() -> None:
    found = _shared()
    assert found["a"].limit_ma == 16_000, found["a"].why
