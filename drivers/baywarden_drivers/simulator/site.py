"""A simulated site as one TOML file.

    rate = 30                       # optional; how fast time runs (the command line may say otherwise)

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
    # without = ["ev_soc"]          # points that this device does not have

    [[meter]]
    name = "mains"
    profile = "eastron-sdm630"
    listener = "bus"
    unit = 2
    measures = ["a1"]               # outlets behind it; absent: all of them
    base_a = [5, 6, 4]              # what else the building draws per phase; one number is for all phases
    # schedule = [{ at_s = 0, base_a = 5 }, { at_s = 3600, base_a = 20 }]   # in place of base_a
    # repeat_s = 86400              # the schedule starts anew

    [[car]]
    outlet = "a1"
    at_s = 60                       # plugs in at this simulated second
    leave_at_s = 5400               # absent: it stays
    need_wh = 8000                  # or battery_wh with soc (0 to 1)
    # phases = 3                    # also max_current_a, min_current_a, name, tag

    [[event]]                       # anything that the control socket takes, at its time
    at_s = 900
    do = "silence"
    device = "left"
    for_s = 60

All durations are simulated seconds. Unknown keys are errors.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.errors import SiteFileError

Seconds = Annotated[float, Field(ge=0)]
Amperes = Annotated[float, Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65_535)]
UnitId = Annotated[int, Field(ge=0, le=255)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Phase = Annotated[int, Field(ge=1, le=3)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListenerSpec(_Part):
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


class _DeviceSpec(_Part):
    name: Name
    profile: Name
    listener: Name
    unit: UnitId | None = None
    values: dict[str, int | float | str | tuple[int, ...]] = {}
    without: frozenset[str] = frozenset()


class ChargerSpec(_DeviceSpec):
    """A charger with its outlets."""

    outlets: tuple[Name, ...] = Field(min_length=1)
    max_current_a: Annotated[float, Field(ge=6, le=125)] | None = None
    phases: Phase = 3
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


class LoadStep(_Part):
    """From `at_s` on the building draws this much."""

    at_s: Seconds
    base_a: float | tuple[float, float, float]


class MeterSpec(_DeviceSpec):
    """A meter and what is behind it."""

    measures: tuple[Name, ...] | None = None
    base_a: float | tuple[float, float, float] = 0.0
    schedule: tuple[LoadStep, ...] = ()
    repeat_s: Annotated[float, Field(gt=0)] | None = None


class CarSpec(_Part):
    """A car; without `need_wh` it is `battery_wh` and `soc` that say what it takes."""

    need_wh: Annotated[float, Field(gt=0)] | None = None
    battery_wh: Annotated[float, Field(gt=0)] = 60_000.0
    soc: Annotated[float, Field(ge=0, le=1)] = 0.5
    phases: Phase = 3
    max_current_a: Annotated[float, Field(ge=6)] = 16.0
    min_current_a: Annotated[float, Field(gt=0)] = 6.0
    name: str = "car"
    tag: str = ""

    def make(self) -> Car:
        """A new car of this kind."""
        size_wh, soc = self.battery_wh, self.soc
        if self.need_wh is not None:
            size_wh = max(size_wh, self.need_wh)
            soc = 1 - self.need_wh / size_wh
        return Car(
            size_wh, soc, self.phases, self.max_current_a, self.min_current_a, name=self.name, tag=self.tag
        )


class VisitSpec(CarSpec):
    """A car that comes at `at_s` and leaves at `leave_at_s`."""

    outlet: Name
    at_s: Seconds = 0.0
    leave_at_s: Seconds | None = None

    @model_validator(mode="after")
    def _leaves_later(self) -> Self:
        if self.leave_at_s is not None and self.leave_at_s <= self.at_s:
            raise ValueError(f"leave_at_s {self.leave_at_s} is not after at_s {self.at_s}")
        return self


class EventSpec(BaseModel):
    """A control request at its time; its further keys are those of the request."""

    model_config = ConfigDict(frozen=True, extra="allow")

    at_s: Seconds
    do: str

    def request(self) -> dict[str, Any]:
        """The request as the control socket takes it."""
        return {"do": self.do, **(self.model_extra or {})}


class SiteSpec(_Part):
    """A whole simulated site."""

    rate: Annotated[float, Field(gt=0)] = 1.0
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


def load_site(path: Path) -> SiteSpec:
    """The site of a file. Raises SiteFileError, with all faults at once."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteFileError(f"{path}: cannot be read: {error}") from error
    return parse_site(text, str(path))


def parse_site(text: str, source: str = "site") -> SiteSpec:
    """The site written in `text`; `source` is what errors call it. Raises SiteFileError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteFileError(f"{source}: is not TOML: {error}") from error
    return parse_site_data(data, source)


def parse_site_data(data: Mapping[str, Any], source: str = "site") -> SiteSpec:
    """The site of a file that has been read already. Raises SiteFileError."""
    try:
        return SiteSpec.model_validate(data)
    except ValidationError as error:
        lines = [f"  {_place(one['loc'])}: {_text(one)}" for one in error.errors()]
        raise SiteFileError("\n".join([f"{source}:", *lines])) from None


def _place(steps: tuple[int | str, ...]) -> str:
    text = ""
    for step in steps:
        text += f" {step + 1}" if isinstance(step, int) else f".{step}" if text else step
    return text or "file"


def _text(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown key{_nearest(error['loc'])}"
    if error["type"] == "missing":
        return "is missing"
    message = str(error["msg"]).removeprefix("Value error, ")
    shown = error["input"]
    return message if isinstance(shown, dict | list | BaseModel) else f"{message}, not {shown!r}"


def _nearest(steps: tuple[int | str, ...]) -> str:
    """The known key that looks most like the one that is not."""
    part: type[BaseModel] | None = SiteSpec if len(steps) == 1 else _TABLES.get(str(steps[0]))
    near = get_close_matches(str(steps[-1]), part.model_fields, n=1) if part is not None else []
    return f"; did you mean {near[0]!r}?" if near else ""


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
