"""Contradictions between the sources of a profile, and how a device itself can end them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from baywarden_drivers.profile.base import (
    Address,
    Dtype,
    Exact,
    Ints,
    Part,
    RegisterType,
    Texts,
    ToTuple,
    WordOrder,
)
from baywarden_drivers.profile.conduct import Condition

Decide = Literal["plausible", "answers", "rule", "energy_by_power", "never"]
"""How a choice is made after each new contact.

plausible: the one choice under which all checks hold; answers: the first choice whose registers the device
serves; rule: the first choice with conditions that all hold, else the one without; energy_by_power: the choice
under which the energy counter grows as the power says; never: it stays open and the first choice is used.
"""


class Check(Part):
    """A range in the point's unit that only the right choice gives."""

    point: str
    min: Exact
    max: Exact


class Choice(Part):
    """One reading of the sources: what it changes in the points of its doubt. None and 0 change nothing."""

    name: str
    when: Annotated[tuple[Condition, ...], ToTuple] = ()
    """For `rule`: conditions on points that the doubt does not touch; the one choice without any is taken when
    no other fits."""
    word_order: WordOrder | None = None
    low_byte_first: bool | None = None
    type: RegisterType | None = None
    """For the read points among them."""
    functions: Ints | None = None
    """For the write points among them."""
    min: Exact | None = None
    """The smallest value that the write points among them take."""
    scale: Annotated[Exact, Field(gt=0)] | None = None
    address: Address | None = None
    shift: int = 0
    """Added to every address."""
    dtype: Dtype | None = None
    count: Annotated[int, Field(ge=1, le=125)] | None = None
    note: str = ""


class Doubt(Part):
    """A disagreement on some points. The first choice holds until the device has decided."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    text: Annotated[str, Field(min_length=1)]
    """Who says what, for people."""
    decide: Decide
    points: Texts = ()
    """Names of read and write points that the choices change."""
    check: Annotated[tuple[Check, ...], ToTuple] = ()
    choice: Annotated[tuple[Choice, ...], ToTuple] = ()

    @model_validator(mode="after")
    def _can_be_decided(self) -> Self:
        if self.decide == "never":
            return self
        if len(self.choice) < 2:
            raise ValueError(f"decide = {self.decide!r} needs two or more choices")
        if not self.points:
            raise ValueError(f"decide = {self.decide!r} needs the points that the choices change")
        if self.decide == "plausible" and not self.check:
            raise ValueError("decide = 'plausible' needs a check: point, min and max")
        if self.decide == "rule" and sum(not one.when for one in self.choice) != 1:
            raise ValueError("decide = 'rule' needs conditions (when) in every choice but one")
        return self
