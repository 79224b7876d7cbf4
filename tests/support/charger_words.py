"""What the status rules of a bundled profile make of values that a test gives."""

from collections.abc import Mapping

from baywarden_drivers import PointValue, Quality, load_profile
from baywarden_drivers.values.status import judge_of
from baywarden_drivers.values.value import Value

Told = tuple[str | None, str | None]
"""Letter and state."""


def told_of(value: Value | None) -> PointValue:
    """A value that was read; None is one that could not be."""
    return PointValue(value, Quality.MISSING if value is None else Quality.GOOD, 0)


def judged(name: str, values: Mapping[str, Value | None]) -> Told:
    """Letter and state; a value of None is one that could not be read, and so are those not given."""
    status = load_profile(name).status
    assert status is not None
    found = judge_of(status)({point: told_of(value) for point, value in values.items()})
    assert (found.iec is None or found.state is None) == bool(found.detail), (
        "what is not known is said, and only that"
    )
    return found.iec, found.state


def raw_values_of(name: str) -> set[str]:
    """The raw values to which the profile gives a letter or a state."""
    status = load_profile(name).status
    assert status is not None
    return {*status.iec, *status.state}
