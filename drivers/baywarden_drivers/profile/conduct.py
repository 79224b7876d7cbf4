"""How a device is steered and understood: status rules, limits, pauses, start-up and fail-safe."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from baywarden_drivers.profile.base import Exact, Iec, Part, State, ToTuple

Scalar = str | Exact
"""A number of the file or a text."""


class Condition(Part):
    """A question to one point's value; exactly one comparison is given. Numbers are in the point's unit."""

    point: str
    mask: Annotated[int, Field(gt=0)] | None = None
    """Bits looked at, for whole numbers."""
    equals: Scalar | None = None
    not_equals: Scalar | None = None
    one_of: Annotated[tuple[Scalar, ...], ToTuple] | None = None
    below: Exact | Annotated[tuple[int, ...], ToTuple] | None = None
    at_least: Exact | Annotated[tuple[int, ...], ToTuple] | None = None
    """Several numbers compare like a version, also with those in a text: [5, 22] and "5.22" are below [5, 22, 1]."""

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        asked = [self.equals, self.not_equals, self.one_of, self.below, self.at_least]
        if sum(one is not None for one in asked) != 1:
            raise ValueError("give exactly one of equals, not_equals, one_of, below, at_least")
        return self


class StatusRule(Part):
    """The first rule whose conditions all hold and that names a letter (or a state) decides it.

    A condition on a point without a good value makes the answer unknown, unless `skip_when_unknown`.
    """

    when: Annotated[tuple[Condition, ...], ToTuple] = ()
    iec: Iec | None = None
    state: State | None = None
    by: str | None = None
    """Look the value of this point up in `iecs` and `states`."""
    iecs: Mapping[str, Iec] = {}
    states: Mapping[str, State] = {}
    skip_when_unknown: bool = False
    note: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.iec or self.state or self.iecs or self.states):
            raise ValueError("a rule must give iec, state, iecs or states")
        if (self.iecs or self.states) and self.by is None:
            raise ValueError("iecs and states need `by`, the point to look up")
        return self


class Status(Part):
    """The charger's state from one register and, where that is not enough, from rules by priority."""

    source: str
    iec: Mapping[str, Iec]
    state: Mapping[str, State]
    rule: Annotated[tuple[StatusRule, ...], ToTuple] = ()


class PointWrite(Part):
    """A value to be written to a point, in its unit."""

    point: str
    value: Exact


class Control(Part):
    """How charging is limited, paused and checked."""

    limit: str = "set_current_limit"
    readback: str | None = None
    """The read point that shows the limit; None: it cannot be read back."""
    readback_delay_ms: Annotated[int, Field(ge=0, le=30_000)] = 0
    readback_timeout_ms: Annotated[int, Field(ge=0, le=60_000)] = 2000
    """How long the device may take until the read point shows the limit."""
    readback_may_be_lower: bool = False
    settle_s: Annotated[int, Field(ge=1, le=120)] = 15
    """From a lower limit to the moment from which the measured current must obey it."""
    power_phases: Literal[1, 3] | None = None
    """For a limit in W: the phases that share the power; None where the limit is in A."""
    phases_point: str | None = None
    """For a limit in W: a read point that says 1 or 3; without an answer `power_phases` holds."""
    nominal_v: Annotated[Exact, Field(gt=0)] = Decimal(230)
    """For a limit in W: V line to neutral; amperes become watts by 0.9 of it, the lowest that EN 50160 allows."""
    pause: Annotated[tuple[PointWrite, ...], ToTuple] = ()
    """Writes that pause charging, where a limit of 0 does not do it safely."""
    paused_when: Annotated[tuple[Condition, ...], ToTuple] = ()
    """All of these hold while charging is paused by those writes; none where that cannot be read."""
    pause_leaves_a: Annotated[Exact, Field(ge=0)] = Decimal(0)
    """What may still flow per phase while paused, where nothing lower can be said without ending the session."""
    resume: Annotated[tuple[PointWrite, ...], ToTuple] = ()
    """Writes that undo `pause`."""
    resume_delay_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    """From the new limit to the writes of `resume`."""
    recover_when: Annotated[tuple[Condition, ...], ToTuple] = ()
    """While all of these hold it waits to be told again: the next sign of life brings the site's last wish anew."""


class Startup(Part):
    """What must be written after each new contact and whenever the device has restarted, without any decision.

    So it neither limits nor releases the car, nor feeds the fail-safe; but it may pause.
    """

    writes: Annotated[tuple[PointWrite, ...], ToTuple] = ()
    falls_on_restart: str | None = None
    """A counter that never falls while the device runs: a fall means that it has restarted."""
    again_when: Annotated[tuple[Condition, ...], ToTuple] = ()
    """While all of these hold, the writes are done again, once a minute at most."""
    again: Annotated[tuple[PointWrite, ...], ToTuple] = ()
    """What is written then, where it is not the same as `writes`."""


class Failsafe(Part):
    """What happens when the master goes silent. Point names are those of `write`, else of `read`."""

    trigger: Literal[
        "no_request", "no_setpoint_write", "lifebit_not_set", "no_heartbeat_token", "timeout_not_rewritten",
        "none", "unknown",
    ]  # fmt: skip
    heartbeat: Literal[
        "any_read", "any_request", "rewrite_setpoint", "rewrite_timeout", "write_flag",
        "write_flag_device_clears", "write_token", "none",
    ] = "none"  # fmt: skip
    heartbeat_point: str | None = None
    heartbeat_value: Exact | None = None
    heartbeat_period_s: Annotated[int, Field(gt=0)] | None = None
    timeout_point: str | None = None
    current_point: str | None = None
    power_point: str | None = None
    remaining_point: str | None = None
    """A read point that counts down to the fail-safe, where the time-out itself cannot be read."""
    enable: Annotated[tuple[PointWrite, ...], ToTuple] = ()
    """Writes that switch the supervision on; a point that already reads so is left alone."""
    also_current: Annotated[tuple[str, ...], ToTuple] = ()
    """Further write points that take the same current (one-phase use)."""
    feed_share: Annotated[Exact, Field(gt=0, lt=1)] = Decimal("0.5")
    """Without `heartbeat_period_s`: the share of the time-out after which it is fed again."""
    pause_current: Exact | None = None
    """Written to, and read from, `current_point` for a fail-safe current of 0, where 0 itself means another thing."""
    unset_currents: Annotated[tuple[Exact, ...], ToTuple] = ()
    """Fail-safe currents that mean: none set, or an error state."""
    off_values: Annotated[tuple[Exact, ...], ToTuple] = ()
    """Time-outs that mean: no supervision."""
    default_timeout_s: Annotated[int, Field(ge=0)] | None = None
    min_timeout_s: Annotated[int, Field(ge=0)] | None = None
    max_timeout_s: Annotated[int, Field(ge=0)] | None = None
    action: str = ""
    recovers: str = ""
    note: str = ""
