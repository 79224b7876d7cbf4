"""What a profile may have written at start-up, and how often what lies in a device's memory."""

import pytest

from baywarden_drivers import ProfileError, load_profile, profile_names
from baywarden_drivers.profile import parse_profile
from support.profile_text import text_of

BOX = "mennekes-amtron-compact-2"
STATION = "schneider-evlink-pro-ac"


def faults_of(text: str) -> list[str]:
    """All faults of a profile's text."""
    with pytest.raises(ProfileError) as found:
        parse_profile(text, "acme.toml", "acme")
    return [str(fault) for fault in found.value.faults]


def starting(name: str, startup: str) -> str:
    """A bundled profile with another start-up."""
    text = text_of(name)
    assert "[startup]" not in text
    return text.replace("[failsafe]", f"[startup]\n{startup}\n\n[failsafe]")


@pytest.mark.parametrize(
    ("name", "point", "value"),
    [
        (BOX, "heartbeat", 21930),
        (BOX, "set_current_limit", 6.01),
        (BOX, "release", 1),
        (STATION, "lifebit", 1),
        ("weidmueller-ac-smart", "failsafe_timeout", 10),
        ("alfen-eve", "set_current_limit", 16),
        ("em2go", "command", 1),
    ],
)
@pytest.mark.parametrize("part", ["writes", "again"])
def test_start_up_neither_limits_nor_releases_nor_feeds(
    name: str, point: str, value: float, part: str
) -> None:
    writes = f"{part} = [{{ point = {point!r}, value = {value} }}]"
    found = faults_of(starting(name, writes))
    assert len(found) == 1, found
    assert found[0].startswith(f"startup.{part}: {point} = {value} steers the car or feeds the fail-safe")
    assert "see control.recover_when" in found[0]


def test_start_up_may_pause() -> None:
    pausing = starting(BOX, 'writes = [{ point = "release", value = 0 }]')
    assert parse_profile(pausing, "acme.toml", "acme").startup.writes
    assert load_profile("daheimladen").startup.again, "as this one does when it has forgotten its limit"


def test_no_bundled_profile_steers_at_start() -> None:
    for name in profile_names():
        profile = load_profile(name)
        assert profile.control is None or not {
            profile.control.limit,
            *(one.point for one in profile.control.resume),
        } & {one.point for one in profile.startup.writes}


def test_what_wears_the_memory_is_not_written_at_start_nor_as_a_sign_of_life() -> None:
    standby = text_of("heidelberg-energy-control").replace(
        'note = "disable right after start', 'cyclic = false\nnote = "disable right after start'
    )
    assert "cyclic = false" in standby
    assert faults_of(standby) == [
        "startup: standby lies in the device's memory, which wears: it must not be written so often"
    ]
    beat = text_of("weidmueller-ac-smart").replace("refresh_s = 5", "refresh_s = 5\npersistent = true")
    assert any(one.startswith("failsafe.heartbeat: failsafe_timeout lies in") for one in faults_of(beat))


def test_conditions_for_recovery_ask_for_points_that_are_there() -> None:
    text = text_of(BOX).replace(
        '{ point = "evse_state", equals = 6 }', '{ point = "evse_stat", equals = 6 }', 1
    )
    assert any("control.recover_when: no read point is called 'evse_stat'" in one for one in faults_of(text))
