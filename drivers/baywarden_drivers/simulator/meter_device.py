"""A simulated meter behind the registers of its profile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from baywarden_drivers.profile.points import ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.bank import Bank
from baywarden_drivers.simulator.device import OTHER_PHASES, Device, DeviceSettings
from baywarden_drivers.simulator.meter import Meter
from baywarden_drivers.simulator.meter_truth import METER
from baywarden_drivers.simulator.sunspec import chain_bank
from baywarden_drivers.simulator.truth import Teller, Truth, line_to_line
from baywarden_drivers.values.value import Value


@dataclass(frozen=True, slots=True)
class SunspecPlace:
    """The model of a SunSpec meter, and where it wants its chain to begin (None: at the first usual place)."""

    model: int
    base: int | None = None


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
        settings: DeviceSettings | None = None,
        sunspec: "SunspecPlace | None" = None,
    ) -> None:
        self.meter = meter
        self.sunspec = sunspec
        settings = settings or DeviceSettings(unit=unit, values=values or {}, without=without)
        super().__init__(name, profile, settings, missing=OTHER_PHASES[meter.phases])
        if sunspec is not None:
            self.banks = {(0, self.unit): meters_bank([self])}

    def physics(self, point: ReadPoint, connector: int | None) -> Teller | None:
        if point.name in METER:
            return partial(METER[point.name], self.meter)
        return line_to_line(point.name, self.meter.voltage_v)

    def obey(self, point: WritePoint, connector: int | None, value: Value) -> None:
        if point.name.startswith("reset_energy") and value:
            self.meter.clear_resettable()


def meters_bank(meters: Sequence[MeterDevice]) -> Bank:
    """The registers of SunSpec meters that share a unit; the first that names a base decides."""
    bases = [one.sunspec.base for one in meters if one.sunspec is not None and one.sunspec.base is not None]
    sunspec = meters[0].profile.protocol.sunspec
    usual = sunspec.bases[0] if sunspec is not None else 0
    models = [(one, one.sunspec.model) for one in meters if one.sunspec is not None]
    return chain_bank(models, bases[0] if bases else usual)
