"""A simulated meter behind the registers of its profile."""

from collections.abc import Mapping

from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.device import Device
from baywarden_drivers.simulator.meter import Meter
from baywarden_drivers.simulator.truth import METER, Truth, line_to_line


class MeterDevice(Device):
    """The register side of a meter."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        meter: Meter,
        *,
        unit: int | None = None,
        values: Mapping[str, Truth] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.meter = meter
        super().__init__(name, profile, unit=unit, values=values, without=without)

    def measured(self, point: ReadPoint, connector: int | None) -> Truth:
        if point.name in METER:
            return METER[point.name](self.meter)
        return line_to_line(point.name, self.meter.voltage_v)
