"""What one device has shown of itself, remembered over a restart of this program and never trusted blindly."""

from collections.abc import Sequence

from baywarden_drivers.doubts.asking import Asking
from baywarden_drivers.doubts.decision import Remembered
from baywarden_drivers.errors import DeviceError
from baywarden_drivers.profile.caution import is_limit
from baywarden_drivers.profile.doubts import Doubt
from baywarden_drivers.profile.schema import Profile

_TELLING = ("serial", "firmware")


async def who_answers(asking: Asking, profile: Profile) -> str:
    """The serial number and firmware that the device tells now; nothing where it does not."""
    points = [profile.readable[name] for name in _TELLING if name in profile.readable]
    try:
        values = await asking.values([(profile, point) for point in points])
    except DeviceError:
        return ""
    told = {point.name: value.value for point, value in zip(points, values, strict=True)}
    if not told.get("serial"):
        return ""  # many have the same firmware
    return ", ".join(f"{name} {value!s}" for name, value in told.items() if value)


def recalled(
    remembered: Sequence[Remembered], profile: Profile, doubt: Doubt, who: str, place: str
) -> Remembered | None:
    """What this very device has decided earlier; where its place is all that is known, nothing about a limit."""
    steers = any(is_limit(profile.writable[name]) for name in doubt.points if name in profile.writable)
    wanted = who if who or steers else place
    return next(
        (
            one
            for one in remembered
            if wanted and (one.profile, one.doubt, one.who) == (profile.name, doubt.name, wanted)
        ),
        None,
    )
