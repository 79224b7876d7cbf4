"""What happens at a site and when: cars that come and leave, and anything that the control socket takes.

    [[car]]
    outlet = "a1"
    at = "00:01:00"
    leave = "90min"
    need = "8kWh"                   # or battery with soc

    [[event]]
    at = "00:15:00"
    do = "silence"
    device = "left"
    for = "2min"

Times are simulated ones, from the start. Figures may also be plain numbers under the key with its unit (`at_s`).
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from baywarden_drivers.reasons import reason_of
from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.errors import SiteFileError
from baywarden_drivers.simulator.human import Human, fault_of
from baywarden_drivers.simulator.quantities import understood

Seconds = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Phase = Annotated[int, Field(ge=1, le=3)]


class CarSpec(Human):
    """A car; without `need_wh` it is `battery_wh` and `soc` that say what it takes."""

    need_wh: Annotated[float, Field(gt=0)] | None = None
    battery_wh: Annotated[float, Field(gt=0)] = 60_000.0
    soc: Annotated[float, Field(ge=0, le=1)] = 0.5
    target_soc: Annotated[float, Field(gt=0, le=1)] = 1.0
    phases: Phase = 3
    max_current_a: Annotated[float, Field(ge=6)] = 16.0
    min_current_a: Annotated[float, Field(gt=0)] = 6.0
    dc_power_w: Annotated[float, Field(gt=0)] = 50_000.0
    name: str = "car"
    tag: str = ""

    def make(self) -> Car:
        """A new car of this kind."""
        size_wh, soc = self.battery_wh, self.soc
        if self.need_wh is not None:
            size_wh = max(size_wh, self.need_wh)
            soc = 1 - self.need_wh / size_wh
        return Car(
            size_wh, soc, self.phases, self.max_current_a, self.min_current_a, self.target_soc,
            name=self.name, tag=self.tag, dc_power_w=self.dc_power_w,
        )  # fmt: skip


class VisitSpec(CarSpec):
    """A car that comes at `at_s` and leaves at `leave_at_s`; without an outlet it takes the only one."""

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

    @model_validator(mode="before")
    @classmethod
    def _with_a_time(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "at" not in data:
            return data
        return {**data, **understood({"at": data["at"]}, cls.model_fields), "at": None}

    def request(self) -> dict[str, Any]:
        """The request as the control socket takes it."""
        further = {key: value for key, value in (self.model_extra or {}).items() if key != "at"}
        return {"do": self.do, **further}


def read_timeline(path: Path) -> dict[str, list[Any]]:
    """The tables `car` and `event` of a file, as they stand there. Raises SiteFileError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SiteFileError(f"{path}: cannot be read: {reason_of(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise SiteFileError(f"{path}: is not TOML: {error}") from error
    for key, value in data.items():
        if key not in ("car", "event"):
            raise SiteFileError(f"{path}: unknown table {key!r}; a timeline has [[car]] and [[event]]")
        if not isinstance(value, list):
            raise SiteFileError(f"{path}: write [[{key}]], not {key} = ...")
    return {"car": data.get("car", []), "event": data.get("event", [])}


def check_timeline(tables: Mapping[str, list[Any]], source: str) -> None:
    """Whether the tables can be meant at all. Raises SiteFileError with the place in `source`."""
    shapes: Mapping[str, type[BaseModel]] = {"car": VisitSpec, "event": EventSpec}
    for kind, rows in tables.items():
        for number, row in enumerate(rows, 1):
            try:
                shapes[kind].model_validate(row)
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join([f"{kind} {number}", *map(str, first["loc"])])
                raise SiteFileError(
                    f"{source}: {place}: {fault_of(first, shapes[kind].model_fields)}"
                ) from None
