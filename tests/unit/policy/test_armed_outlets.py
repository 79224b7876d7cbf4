"""What is kept of the fail-safe in a charger: the current that it is known to fall back to."""

import pytest

from baywarden.model.reading import Contact, EvseReading, Pilot, Snapshot
from baywarden.model.site import SiteState
from baywarden.model.step import Observed
from baywarden.policy import site
from support.power_yard import BEGIN_MONO_MS, Yard, outlet
from support.power_yard import site as site_of

YARD = Yard(site_of([], [outlet("b1", failsafe_ma=8_000)]))


def begun() -> SiteState:
    return site.begin(YARD.rules, (), YARD.now)


def seen(state: SiteState, *, is_armed: bool | None, contact: Contact = Contact.OK) -> SiteState:
    """The state after a look at the outlet."""
    read_mono_ms = BEGIN_MONO_MS if contact is Contact.OK else None
    reading = EvseReading(
        "b1", contact, read_mono_ms=read_mono_ms, pilot=Pilot.A, power_w=0, failsafe_armed=is_armed
    )
    return site.decide(state, Observed(Snapshot({"b1": reading})), YARD.rules, YARD.now).state


@pytest.mark.parametrize(("is_armed", "armed_ma"), [(True, 8_000), (False, None), (None, None)])
def test_only_a_fail_safe_that_was_read_back_is_known_to_be_armed(
    is_armed: bool | None, armed_ma: int | None
) -> None:
    assert seen(begun(), is_armed=is_armed).evses["b1"].armed_ma == armed_ma


def test_an_armed_fail_safe_is_known_until_it_is_seen_to_be_lost() -> None:
    state = seen(begun(), is_armed=True)
    state = seen(state, is_armed=None)
    assert state.evses["b1"].armed_ma == 8_000
    state = seen(state, is_armed=False, contact=Contact.SILENT)
    assert state.evses["b1"].armed_ma == 8_000
    assert seen(state, is_armed=False).evses["b1"].armed_ma is None


def test_a_restart_does_not_forget_what_is_armed() -> None:
    saved = seen(begun(), is_armed=True).evses.values()
    state = site.begin(YARD.rules, saved, YARD.now)
    assert seen(state, is_armed=None, contact=Contact.SILENT).evses["b1"].armed_ma == 8_000
