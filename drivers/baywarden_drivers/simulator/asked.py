"""The shapes of what can be asked for, as they come from the control socket, a timeline or a command line."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from baywarden_drivers.simulator.faults import FaultKind
from baywarden_drivers.simulator.human import Human
from baywarden_drivers.simulator.quantities import UNITS, any_figure, figure
from baywarden_drivers.simulator.timeline import CarSpec


class Asked(Human):
    """Any request; `do` is its name."""

    do: str


class AtOutlet(Asked):
    outlet: str


class Plug(AtOutlet, CarSpec):
    pass


class Tag(AtOutlet):
    tag: Annotated[str, Field(min_length=1)]


class Fault(AtOutlet):
    code: Annotated[int, Field(ge=0)] = 1


class Service(AtOutlet):
    in_service: bool


class AtDevice(Asked):
    device: str


class Inject(AtDevice):
    """A kind of misbehaviour, for a time, for some requests, or for a share of them."""

    for_s: Annotated[float, Field(gt=0)] | None = None
    times: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 1.0

    @property
    def amount(self) -> float:
        """What the kind is measured in, where it is."""
        return 0.0


class Lasting(Inject):
    """`value` is in ms."""

    value: Annotated[float, Field(ge=0)]

    @field_validator("value", mode="before")
    @classmethod
    def _in_ms(cls, value: Any) -> Any:
        return figure(value, UNITS["_ms"]) if isinstance(value, str) else value

    @property
    def amount(self) -> float:
        return self.value


class Late(Lasting):
    value: Annotated[float, Field(ge=0)] = 0.0


class Bits(Inject):
    """`value` is the share of bits that arrive wrong."""

    value: Annotated[float, Field(gt=0, le=1)]

    @field_validator("value", mode="before")
    @classmethod
    def _as_share(cls, value: Any) -> Any:
        return figure(value, {"%": 0.01}) if isinstance(value, str) else value

    @property
    def amount(self) -> float:
        return self.value


class Code(Inject):
    """`value` is the Modbus exception code."""

    value: Annotated[int, Field(ge=1, le=255)]

    @property
    def amount(self) -> float:
        return self.value


class Clear(AtDevice):
    kind: FaultKind | None = None


class Say(AtDevice):
    """A point says `value`, or `by` more than it would say now; figures are in the point's unit."""

    point: str
    value: float | None = None
    by: float | None = None
    for_s: Annotated[float, Field(gt=0)] | None = None

    @field_validator("value", "by", mode="before")
    @classmethod
    def _in_its_unit(cls, value: Any) -> Any:
        return any_figure(value) if isinstance(value, str) else value


class Counter(Asked):
    """The energy counter of an outlet or a meter stands at another figure."""

    of: str
    energy_wh: Annotated[float, Field(ge=0)]


class Disconnect(Asked):
    listener: str
    for_s: Annotated[float, Field(ge=0)] = 0.0


class Base(Asked):
    meter: str
    base_a: float | tuple[float, float, float]


class WrittenSince(Asked):
    since_s: float = 0.0
