"""Energy counters and powers in doubt, weighed against each other while the device is in use."""

from collections.abc import Mapping
from decimal import Decimal

from baywarden_drivers.doubts.asking import Asking
from baywarden_drivers.doubts.doubt import Verdict, with_choice
from baywarden_drivers.doubts.growth import Growth, GrowthWatch
from baywarden_drivers.mono import mono_ms
from baywarden_drivers.profile.doubts import Choice, Doubt
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.value import PointValue


class Weighing:
    """Follows the doubts of one device that are decided by `energy_by_power`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._watches: dict[tuple[str, str], GrowthWatch] = {}

    async def look(
        self, profile: Profile, doubt: Doubt, used: Choice, values: Mapping[str, PointValue]
    ) -> Verdict | None:
        """A verdict once enough has flowed; `profile` is without any choice of the doubt, of which `used` holds.

        At most two readings of the counter are taken for it, one at the beginning and one at the end. Raises
        DeviceError.
        """
        counters = _counters(profile, doubt)
        power = values.get("power")
        if power is None or not counters:
            return None
        watch = self._watches.get((doubt.name, used.name))
        if watch is None:
            watch = GrowthWatch([one.scale for _, one in counters], _shares(profile, doubt, used))
            self._watches[doubt.name, used.name] = watch
        watch.power(power.number, power.read_mono_ms)
        if not watch.wants_counter:
            return None
        readings = [one.number for one in await self._asking.values(counters)]
        growth = watch.counter(readings, mono_ms())
        return None if growth is None else _verdict(doubt, growth)


def _counters(profile: Profile, doubt: Doubt) -> list[tuple[Profile, ReadPoint]]:
    """The energy counter as each choice has it: the one in doubt, or where the power is, the total one."""
    readable = profile.readable
    in_doubt = (one for one in doubt.points if one in readable and readable[one].unit == "Wh")
    name = next(in_doubt, "energy_total")
    if name not in readable:
        return []
    views = [with_choice(profile, doubt, choice) for choice in doubt.choice]
    return [(view, view.readable[name]) for view in views]


def _shares(profile: Profile, doubt: Doubt, used: Choice) -> list[Decimal]:
    """What each choice makes of the power as it is told, which is by the one in use."""
    if "power" not in doubt.points or "power" not in profile.readable:
        return [Decimal(1)] * len(doubt.choice)
    own = profile.readable["power"].scale
    return [(choice.scale or own) / (used.scale or own) for choice in doubt.choice]


def _verdict(doubt: Doubt, growth: Growth) -> Verdict:
    rises = "; ".join(
        f"{flowed:.0f} Wh by the power and {risen:.0f} Wh by the counter as {choice.name}"
        for choice, flowed, risen in zip(doubt.choice, growth.flowed_wh, growth.risen_wh, strict=True)
    )
    fitting = growth.fitting()
    return Verdict(doubt.choice[fitting[0]] if len(fitting) == 1 else None, f"there flowed {rises}")
