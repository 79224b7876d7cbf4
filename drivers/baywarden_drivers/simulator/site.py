"""A simulated site as one TOML file.

    rate = 30                       # optional; how fast time runs (the command line may say otherwise)
    # seed = 7                      # another seed, another luck with faults that come at random

    [[listener]]                    # a wire; exactly one of tcp, rtu_over_tcp, serial
    name = "lan-1"
    tcp = 5021                      # Modbus TCP on this port; 0 takes a free one

    [[listener]]
    name = "bus"
    serial = "/tmp/baywarden-bus"   # a port that exists, else a pseudo-terminal of that name; "": unnamed

    [[charger]]
    name = "left"
    profile = "keba-p30"            # one of the catalogue, or a path ending in .toml
    listener = "lan-1"
    outlets = ["a1"]                # one name for each connector
    # unit = 255                    # the profile's default when absent
    # max_current_a = 16            # what the installer set
    # phases = 3
    # wiring = [[1, 2, 3]]          # for each outlet: which grid phases feed its own L1, L2, L3
    # failsafe_timeout_s = 30       # as the device ships when absent
    # failsafe_current_a = 6
    # needs_tag = false             # true: it waits for a card
    # reaction_s = 2                # from a new limit to the pilot
    # values = { firmware = 200 }   # points that say something fixed
    # without = ["ev_soc"]          # points that this device does not have; "*_l3" takes all of them
    # choices = { energy_scale = "Wh" }   # where the profile is in doubt: which kind of device this is
    # max_registers = 20            # it refuses longer reads
    # closes_on = ["ev_soc", 720]   # it closes the connection when these are read
    # dc = true                     # its outlets give DC (as the profile tells when absent)

    [[meter]]
    name = "mains"
    profile = "eastron-sdm630"
    listener = "bus"
    unit = 2
    measures = ["a1"]               # outlets behind it; absent: all of them
    base_a = [5, 6, 4]              # what else the building draws per phase; one number is for all phases
    # schedule = [{ at_s = 0, base_a = 5 }, { at_s = 3600, base_a = 20 }]   # in place of base_a
    # repeat_s = 86400              # the schedule starts anew
    # phases = 3                    # 1: nothing stands in the points of L2 and L3
    # model = 203                   # SunSpec: the meter's model...
    # base = 40000                  # ...and where its chain begins; meters at one unit stand one behind the other

    [[car]]
    outlet = "a1"
    at = "00:01:00"                 # plugs in then, counted from the start
    leave = "90min"                 # absent: it stays
    need = "8kWh"                   # or battery with soc
    # phases = 3                    # also max_current, min_current, dc_power, name, tag

    [[event]]                       # anything that the control socket takes, at its time
    at = "00:15:00"
    do = "silence"
    device = "left"
    for = "1min"

All durations are simulated ones. A figure with a unit may leave it out of its key: `need = "8kWh"` is `need_wh = 8000`.
Unknown keys are errors.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from baywarden_drivers.reasons import reason_of
from baywarden_drivers.simulator.errors import SiteFileError
from baywarden_drivers.simulator.human import Human, fault_of
from baywarden_drivers.simulator.timeline import (
    EventSpec,
    Name,
    Phase,
    Seconds,
    VisitSpec,
    check_timeline,
    read_timeline,
)

Amperes = Annotated[float, Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65_535)]
UnitId = Annotated[int, Field(ge=0, le=255)]


class ListenerSpec(Human):
    """A wire."""

    name: Name
    tcp: Port | None = None
    rtu_over_tcp: Port | None = None
    serial: str | None = None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.tcp, self.rtu_over_tcp, self.serial)) != 1:
            raise ValueError("give exactly one of tcp, rtu_over_tcp, serial")
        return self


class _DeviceSpec(Human):
    name: Name
    profile: Name
    listener: Name
    unit: UnitId | None = None
    values: dict[str, int | float | str | tuple[int, ...]] = Field(default_factory=dict)
    without: frozenset[str] = frozenset()
    choices: dict[str, str] = Field(default_factory=dict)
    max_registers: Annotated[int, Field(ge=1, le=125)] | None = None
    closes_on: frozenset[int | str] = frozenset()


class ChargerSpec(_DeviceSpec):
    """A charger with its outlets."""

    outlets: tuple[Name, ...] = Field(min_length=1)
    max_current_a: Annotated[float, Field(ge=6, le=1000)] | None = None
    phases: Phase = 3
    dc: bool | None = None
    wiring: tuple[tuple[Phase, ...], ...] = ()
    failsafe_timeout_s: Seconds | None = None
    failsafe_current_a: Amperes | None = None
    needs_tag: bool = False
    reaction_s: Seconds = 2.0

    @model_validator(mode="after")
    def _wiring_fits(self) -> Self:
        if self.wiring and len(self.wiring) != len(self.outlets):
            raise ValueError(f"wiring needs one list for each of the {len(self.outlets)} outlets")
        if any(len(set(one)) != self.phases or len(one) != self.phases for one in self.wiring):
            raise ValueError(f"wiring needs {self.phases} different grid phases for each outlet")
        return self


class LoadStep(Human):
    """From `at_s` on the building draws this much."""

    at_s: Seconds
    base_a: float | tuple[float, float, float]


class MeterSpec(_DeviceSpec):
    """A meter and what is behind it; `model` and `base` are of SunSpec."""

    phases: Phase | None = None
    model: int | None = None
    base: Annotated[int, Field(ge=0, le=65_000)] | None = None
    measures: tuple[Name, ...] | None = None
    base_a: float | tuple[float, float, float] = 0.0
    schedule: tuple[LoadStep, ...] = ()
    repeat_s: Annotated[float, Field(gt=0)] | None = None


class SiteSpec(Human):
    """A whole simulated site."""

    rate: Annotated[float, Field(gt=0)] = 1.0
    seed: int = 0
    listener: tuple[ListenerSpec, ...] = Field(min_length=1)
    charger: tuple[ChargerSpec, ...] = ()
    meter: tuple[MeterSpec, ...] = ()
    car: tuple[VisitSpec, ...] = ()
    event: tuple[EventSpec, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if faults := list(self._lost_names()):
            raise ValueError("; ".join(faults))
        return self

    @property
    def outlet_names(self) -> tuple[str, ...]:
        return tuple(name for charger in self.charger for name in charger.outlets)

    def _lost_names(self) -> Iterator[str]:
        listeners = {listener.name for listener in self.listener}
        yield from _repeated("listener", [listener.name for listener in self.listener])
        yield from _repeated("charger or meter", [device.name for device in (*self.charger, *self.meter)])
        yield from _repeated("outlet", self.outlet_names)
        for device in (*self.charger, *self.meter):
            if device.listener not in listeners:
                yield f"{device.name}: no listener {device.listener!r}; there are {_list(listeners)}"
        for meter in self.meter:
            for name in meter.measures or ():
                if name not in self.outlet_names:
                    yield f"meter {meter.name}: no outlet {name!r}; there are {_list(self.outlet_names)}"
        for car in self.car:
            if car.outlet not in self.outlet_names:
                yield f"car at {car.at_s:g} s: no outlet {car.outlet!r}; there are {_list(self.outlet_names)}"


def load_site(path: Path, timeline: Path | None = None) -> SiteSpec:
    """The site of a file, with what happens by a `timeline` as well. Raises SiteFileError, with all faults at once."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteFileError(f"{path}: cannot be read: {reason_of(error)}") from error
    return parse_site(text, str(path), timeline)


def parse_site(text: str, source: str = "site", timeline: Path | None = None) -> SiteSpec:
    """The site written in `text`; `source` is what errors call it. Raises SiteFileError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteFileError(f"{source}: is not TOML: {error}") from error
    return parse_site_data(data, source, timeline)


def parse_site_data(data: Mapping[str, Any], source: str = "site", timeline: Path | None = None) -> SiteSpec:
    """The site of a file that has been read already. Raises SiteFileError."""
    if timeline is not None:
        data = _with_timeline(data, timeline)
    try:
        return SiteSpec.model_validate(data)
    except ValidationError as error:
        lines = [f"  {_place(one['loc'])}: {_text(one)}" for one in error.errors()]
        raise SiteFileError("\n".join([f"{source}:", *lines])) from None


def _with_timeline(data: Mapping[str, Any], timeline: Path) -> dict[str, Any]:
    """The site with the tables of the timeline; cars come to the only outlet where they name none."""
    tables = read_timeline(timeline)
    outlets = [name for charger in data.get("charger", ()) for name in charger.get("outlets", ())]
    if len(outlets) == 1:
        tables["car"] = [{"outlet": outlets[0], **car} for car in tables["car"]]
    check_timeline(tables, str(timeline))
    return {**data, **{kind: [*data.get(kind, ()), *rows] for kind, rows in tables.items()}}


def _place(steps: tuple[int | str, ...]) -> str:
    text = ""
    for step in steps:
        text += f" {step + 1}" if isinstance(step, int) else f".{step}" if text else step
    return text or "file"


def _text(error: Any) -> str:
    return fault_of(error, _keys(error["loc"]))


def _keys(steps: tuple[int | str, ...]) -> list[str]:
    """The keys of the table that holds the faulty one."""
    part: type[BaseModel] | None = SiteSpec if len(steps) < 2 else _TABLES.get(str(steps[0]))
    return [] if part is None else list(part.model_fields)


_TABLES: dict[str, type[BaseModel]] = {
    "listener": ListenerSpec,
    "charger": ChargerSpec,
    "meter": MeterSpec,
    "car": VisitSpec,
}


def _repeated(kind: str, names: Any) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{kind} {name!r} is given {times} times: every name once"


def _list(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
