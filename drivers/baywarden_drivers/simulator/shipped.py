"""A charger as it is delivered: how it takes a limit, and its supervision."""

from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.allowance import LimitRules
from baywarden_drivers.simulator.failsafe import FailsafeSettings

USUAL_MAX_A = 32.0
USUAL_MIN_A = 6.0
W_PER_A = 690.0
"""One ampere on three phases."""
DC_MAX_W = 50_000.0
DC_MIN_W = 500.0
USUAL_TIMEOUT_S = 20.0
"""Where the profile knows of a supervision that nobody can set, but not how patient it is."""
BEATS_MISSED = 5
"""After so many heartbeats that did not come a charger without a known time-out acts."""

_STOPPING = frozenset({"pause", "off", "ends the session", "error state", "blocked"})


def is_dc(profile: Profile) -> bool:
    """Whether its outlets give DC: that can be measured at every one of its kind."""
    volts = profile.readable.get("voltage_dc")
    return volts is not None and not volts.optional


def limit_rules_of(
    profile: Profile, max_a: float | None = None, *, reaction_s: float = 2.0, dc: bool | None = None
) -> LimitRules:
    """How this charger takes a limit; `max_a` is what its installer set."""
    gives_dc = is_dc(profile) if dc is None else dc
    usual_a, least_a = (DC_MAX_W / W_PER_A, DC_MIN_W / W_PER_A) if gives_dc else (USUAL_MAX_A, USUAL_MIN_A)
    point = profile.writable.get(profile.control.limit) if profile.control else None
    if point is None or point.unit not in ("A", "W"):
        return LimitRules(max_a or usual_a, least_a, reaction_s=reaction_s)
    unit_a = 1.0 if point.unit == "A" else 1 / W_PER_A
    most_a = min(usual_a, float(point.max) * unit_a if point.max else usual_a) if max_a is None else max_a
    min_a = max(least_a, float(point.min) * unit_a) if point.min else least_a
    return LimitRules(most_a, min_a, point.zero, _below(point), reaction_s)


def _below(point: WritePoint) -> str:
    """What a number below the minimum does that the device takes at all."""
    if point.below_min in _STOPPING:
        return "pause"
    return point.below_min if point.below_min in ("no limit", "autostart") else "min"


def failsafe_of(
    profile: Profile, *, timeout_s: float | None = None, current_a: float | None = None
) -> FailsafeSettings:
    """The supervision as the device ships, or as its installer set it."""
    failsafe = profile.failsafe
    if failsafe is None:
        return FailsafeSettings()
    current = profile.writable.get(failsafe.current_point or "")
    fault_a = {float(value) for value in failsafe.unset_currents}
    if current is not None and current.zero == "error state":
        fault_a.add(0.0)
    return FailsafeSettings(
        trigger=failsafe.trigger,
        timeout_s=_shipped_timeout_s(profile) if timeout_s is None else timeout_s,
        current_a=_shipped_current_a(profile, current) if current_a is None else current_a,
        off_s=frozenset(float(value) for value in failsafe.off_values),
        fault_a=frozenset(fault_a),
        enabled=timeout_s is not None or not failsafe.enable,
        heartbeat=None if failsafe.heartbeat_value is None else float(failsafe.heartbeat_value),
    )


def no_master_code_of(profile: Profile) -> int | None:
    """The error code after which the controller must write its settings again; None where none is known."""
    for condition in profile.control.recover_when if profile.control else ():
        if condition.point == "error_code" and condition.equals is not None:
            return int(condition.equals)
    return None


def again_point_of(profile: Profile) -> str | None:
    """The last point that is written then."""
    control = profile.control
    if control is None:
        return None
    return control.resume[-1].point if control.resume else control.limit


def _shipped_timeout_s(profile: Profile) -> float:
    """The default of the profile; where nobody knows it the supervision is off, or as patient as may be."""
    failsafe = profile.failsafe
    if failsafe is None:
        return 0.0
    if failsafe.default_timeout_s is not None:
        return float(failsafe.default_timeout_s)
    if failsafe.trigger in ("lifebit_not_set", "no_heartbeat_token"):
        if failsafe.heartbeat_period_s is not None:
            return float(BEATS_MISSED * failsafe.heartbeat_period_s)
        return max(USUAL_TIMEOUT_S, float(failsafe.min_timeout_s or 0))
    shown = profile.readable.get(failsafe.timeout_point or "")
    return float(shown.min) if shown is not None and shown.min is not None else 0.0


def _shipped_current_a(profile: Profile, point: WritePoint | None) -> float:
    """What nobody may change over Modbus is taken to be the smallest current there is."""
    if point is None:
        return 0.0 if profile.failsafe is not None and profile.failsafe.power_point else USUAL_MIN_A
    shipped_a = float((point.default or 0) * point.scale)
    shown = profile.readable.get(point.name)
    if point.default is None and shown is not None and shown.min is not None:
        return max(shipped_a, float(shown.min))
    return shipped_a
