"""A simulated charger: its outlets behind the registers of its profile."""

from collections.abc import Callable, Mapping, Sequence

from baywarden_drivers.profile.points import ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.allowance import LimitRules
from baywarden_drivers.simulator.device import Device
from baywarden_drivers.simulator.disguise import Disguise
from baywarden_drivers.simulator.failsafe import FailsafeSettings, Sign
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.truth import OUTLET, STATION, Truth, line_to_line
from baywarden_drivers.value import Value

USUAL_MAX_A = 32.0
OUT_OF_SERVICE_WORDS = ("unavailable", "inoperative", "out of service", "locked")


class Charger(Device):
    """One controller with one or more outlets; connector numbers count from 1."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        outlets: Sequence[Outlet],
        *,
        unit: int | None = None,
        values: Mapping[str, Truth] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.outlets = tuple(outlets)
        self._disguise = Disguise(profile)
        super().__init__(name, profile, unit=unit, connectors=len(outlets), values=values, without=without)

    def measured(self, point: ReadPoint, connector: int | None) -> Truth:
        if point.name in STATION:
            return STATION[point.name](self)
        outlet = self.outlets[(connector or 1) - 1]
        if point.name in self._disguise.points:
            return self._disguise.of(outlet, lambda other: self._other(other, connector))[point.name]
        if point.name in OUTLET:
            truth = OUTLET[point.name](outlet)
            return _number_of(truth) if point.dtype != "string" and isinstance(truth, str) else truth
        return line_to_line(point.name, outlet.voltage_v)

    def _other(self, name: str, connector: int | None) -> Truth:
        return self.truth(self.profile.readable[name], connector)

    def obey(self, point: WritePoint, connector: int | None, value: Value) -> None:
        effect = EFFECTS.get(point.name.removeprefix("station_") if connector is None else point.name)
        chosen = self.outlets if connector is None else (self.outlets[connector - 1],)
        for outlet in chosen:
            self._feed(point, outlet)
            if effect is not None:
                effect(self, outlet, point, value)
            outlet.allowance.advance(self.now_s)

    def _feed(self, point: WritePoint, outlet: Outlet) -> None:
        """Writes that are signs of life."""
        failsafe, control = self.profile.failsafe, self.profile.control
        if failsafe is None:
            return
        if control is not None and point.name == control.limit:
            outlet.allowance.failsafe.hear(Sign.SETPOINT, self.now_s)
        if point.name == failsafe.heartbeat_point:
            outlet.allowance.failsafe.hear(Sign.HEARTBEAT, self.now_s)
        if point.name == failsafe.timeout_point:
            outlet.allowance.failsafe.hear(Sign.TIMEOUT, self.now_s)

    def hear(self, connectors: set[int], sign: Sign) -> None:
        for connector in connectors:
            allowance = self.outlets[connector - 1].allowance
            allowance.failsafe.hear(sign, self.now_s)
            allowance.advance(self.now_s)

    def reboot(self) -> None:
        super().reboot()
        for outlet in self.outlets:
            outlet.reboot()


Effect = Callable[[Charger, Outlet, WritePoint, Value], None]


def _limit(_: Charger, outlet: Outlet, point: WritePoint, value: Value) -> None:
    outlet.allowance.write(_number(value))


def _power_limit(_: Charger, outlet: Outlet, point: WritePoint, value: Value) -> None:
    outlet.allowance.write(_number(value) / (outlet.grid.nominal_v * outlet.phases_used))


def _enable(_: Charger, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.allowance.enabled = bool(value)


def _pause(_: Charger, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.allowance.enabled = not value


def _in_service(_: Charger, outlet: Outlet, point: WritePoint, value: Value) -> None:
    meaning = point.values.get(int(value), "") if isinstance(value, int) else ""
    outlet.in_service = bool(value) if not meaning else meaning not in OUT_OF_SERVICE_WORDS


def _failsafe_current(_: Charger, outlet: Outlet, point: WritePoint, value: Value) -> None:
    outlet.allowance.failsafe.current_a = _number(value)


def _failsafe_timeout(_: Charger, outlet: Outlet, point: WritePoint, value: Value) -> None:
    outlet.allowance.failsafe.timeout_s = _number(value)


def _phases(_: Charger, outlet: Outlet, point: WritePoint, value: Value) -> None:
    meaning = point.values.get(int(value), "") if isinstance(value, int) else ""
    outlet.phases_used = min(outlet.phases, int(meaning[0]) if meaning[:1].isdigit() else int(_number(value)))


def _persist(_: Charger, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    outlet.allowance.failsafe.persist()


def _stop(_: Charger, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    outlet.stop()


def _lock(_: Charger, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.locked = bool(value)


def _authorize(_: Charger, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.present_tag(str(value).strip())


def _forget_tag(_: Charger, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    outlet.id_tag = ""


def _restart(charger: Charger, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    if outlet is charger.outlets[0]:
        charger.reboot()


EFFECTS: Mapping[str, Effect] = {
    "set_current_limit": _limit,
    "set_current_limit_fine": _limit,
    "set_current_limit_stored": _limit,
    "set_power_limit": _power_limit,
    "enable": _enable,
    "release": _enable,
    "allow": _enable,
    "pause": _pause,
    "availability": _in_service,
    "remote_lock": _in_service,
    "failsafe_current": _failsafe_current,
    "failsafe_timeout": _failsafe_timeout,
    "failsafe_persist": _persist,
    "phase_switch": _phases,
    "stop": _stop,
    "unlock_cable": _stop,
    "force_unlock": _stop,
    "lock_cable": _lock,
    "authorize": _authorize,
    "id_tag_clear": _forget_tag,
    "reset": _restart,
    "reset_all": _restart,
}
"""What a write does, by the name of its point. Anything else is only remembered."""


def limit_rules_of(profile: Profile, max_a: float | None = None, *, reaction_s: float = 2.0) -> LimitRules:
    """How this charger takes a limit; `max_a` is what its installer set."""
    point = profile.writable.get(profile.control.limit) if profile.control else None
    if point is None or point.unit != "A":
        return LimitRules(max_a=max_a or USUAL_MAX_A, reaction_s=reaction_s)
    most = min(USUAL_MAX_A, float(point.max or USUAL_MAX_A)) if max_a is None else max_a
    below = "pause" if point.below_min in ("pause", "off") else "min"
    return LimitRules(most, float(point.min or 6), point.zero, below, reaction_s)


def failsafe_of(
    profile: Profile, *, timeout_s: float | None = None, current_a: float | None = None
) -> FailsafeSettings:
    """The supervision as the device ships, or as its installer set it."""
    failsafe = profile.failsafe
    if failsafe is None:
        return FailsafeSettings()
    current = profile.writable.get(failsafe.current_point or "")
    return FailsafeSettings(
        trigger=failsafe.trigger,
        timeout_s=float(failsafe.default_timeout_s or 0) if timeout_s is None else timeout_s,
        current_a=_shipped_current_a(current) if current_a is None else current_a,
        off_s=frozenset(float(value) for value in failsafe.off_values),
        zero_is_fault=current is not None and current.zero == "error state",
    )


def _shipped_current_a(point: WritePoint | None) -> float:
    """What nobody may change over Modbus is taken to be the smallest current there is."""
    if point is None:
        return 6.0
    return float((point.default or 0) * point.scale)


def _number(value: Value) -> float:
    """A written number; 0 for anything else."""
    return 0.0 if isinstance(value, str | bytes | tuple) else float(value)


def _number_of(text: str) -> int:
    """A card's identification in a number: its first four bytes."""
    try:
        return int(text[:8] or "0", 16)
    except ValueError:
        return 0
