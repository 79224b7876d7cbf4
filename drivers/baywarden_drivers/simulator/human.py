"""Tables and requests as people write them: figures with units, and faults told in words."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from baywarden_drivers.reasons import complaint_of
from baywarden_drivers.simulator.quantities import UNITS, understood


class Human(BaseModel):
    """A part whose keys may leave out their unit when the figure has one: `battery = "60kWh"` is `battery_wh`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _in_own_units(cls, data: Any) -> Any:
        return understood(data, cls.model_fields) if isinstance(data, Mapping) else data


def fault_of(error: Any, known: Iterable[str] = ()) -> str:
    """One fault that pydantic found, in words; `known` are the keys that there are."""
    if error["type"] == "extra_forbidden":
        return f"unknown key{nearest(str(error['loc'][-1]), known)}"
    if error["type"] == "missing":
        return complaint_of(error)
    message = complaint_of(error)
    shown = error["input"]
    return message if isinstance(shown, dict | list | BaseModel) else f"{message}, not {shown!r}"


def nearest(key: str, known: Iterable[str]) -> str:
    """`; did you mean 'battery'?`, or the keys there are, or nothing."""
    names = [*known]
    short = {short_of(name): name for name in names}
    near = get_close_matches(key, [*names, *short], n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(short)}" if names else ""


def short_of(name: str) -> str:
    """The key without its unit."""
    for ending in UNITS:
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name
