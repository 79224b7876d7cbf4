"""The public payloads of what is configured: outlets and overstay policies, told in snapshots."""

from collections.abc import Iterable

from baywarden.model.evse import EvseStatus
from baywarden.model.local_hours import LocalWindow
from baywarden.model.overstay import Basis, GraceMode, GraceScope, OverstayPolicy, Rounding
from baywarden.model.site import EvseRules
from baywarden.sync.payloads import Payload, StatusPayload


class EvsePayload(StatusPayload):
    """An outlet: its status as the last event told it, and what is configured for it."""

    label: str
    connector_type: str
    """OCPI ConnectorType."""
    groups: tuple[str, ...]
    max_power_w: int
    access: str
    """What a car needs here: open, token or booking."""
    policy_id: str | None
    policy_version: int | None


class WindowPayload(Payload):
    """Local hours of some days; an end that is not later than the start is on the next day."""

    start: str
    """As 22:00:00."""
    end: str
    days: tuple[str, ...]


class BandPayload(Payload):
    """From so full a site on, the rate is multiplied."""

    min_pct: int
    multiplier: str
    """A decimal number as text."""


class PolicyPayload(Payload):
    """One version of an overstay policy. Rates and amounts are decimal text in the currency's major unit."""

    policy_id: str
    version: int
    currency: str
    minor_digits: int
    time_zone: str
    basis: Basis
    rate_per_min: str
    allowance_s: int
    grace_s: int
    grace_mode: GraceMode
    grace_scope: GraceScope
    step_s: int
    cap_per_session: str | None
    cap_per_day: str | None
    exempt: tuple[WindowPayload, ...]
    occupancy: tuple[BandPayload, ...]
    min_amount: str
    rounding: Rounding
    notify_before_s: tuple[int, ...]
    idle_power_w: int
    idle_debounce_s: int


def evse_payload(rules: EvseRules, status: EvseStatus) -> EvsePayload:
    """An outlet as it is."""
    policy = rules.overstay
    return EvsePayload(
        **StatusPayload.model_validate(status).model_dump(),
        label=rules.label,
        connector_type=rules.connector_type,
        groups=tuple(sorted(rules.groups)),
        max_power_w=rules.max_power_w,
        access=rules.access.mode.value,
        policy_id=policy.id if policy else None,
        policy_version=policy.version if policy else None,
    )


def policy_payloads(policies: Iterable[OverstayPolicy]) -> list[PolicyPayload]:
    """Each version once."""
    return [_policy(policy) for policy in {(one.id, one.version): one for one in policies}.values()]


def _policy(policy: OverstayPolicy) -> PolicyPayload:
    return PolicyPayload(
        policy_id=policy.id,
        version=policy.version,
        currency=policy.currency,
        minor_digits=policy.minor_digits,
        time_zone=policy.tz,
        basis=policy.basis,
        rate_per_min=format(policy.rate_per_min, "f"),
        allowance_s=policy.allowance_s,
        grace_s=policy.grace_s,
        grace_mode=policy.grace_mode,
        grace_scope=policy.grace_scope,
        step_s=policy.step_s,
        cap_per_session=None if policy.cap_per_session is None else format(policy.cap_per_session, "f"),
        cap_per_day=None if policy.cap_per_day is None else format(policy.cap_per_day, "f"),
        exempt=tuple(_window(window) for window in policy.exempt),
        occupancy=tuple(
            BandPayload(min_pct=band.min_pct, multiplier=format(band.multiplier, "f"))
            for band in policy.occupancy
        ),
        min_amount=format(policy.min_amount, "f"),
        rounding=policy.rounding,
        notify_before_s=policy.notify_before_s,
        idle_power_w=policy.idle_power_w,
        idle_debounce_s=policy.idle_debounce_s,
    )


def _window(window: LocalWindow) -> WindowPayload:
    days = tuple(day.name for day in sorted(window.days, key=lambda day: day.value))
    return WindowPayload(start=window.start.isoformat(), end=window.end.isoformat(), days=days)
