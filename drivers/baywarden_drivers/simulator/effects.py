"""What a write does, by the name of its point and, for commands, by the words that its profile has for the number."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Protocol

from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.values.value import Value


class Controller(Protocol):
    """The charger that was written to."""

    profile: Profile

    @property
    def outlets(self) -> Sequence[Outlet]: ...

    @property
    def listens(self) -> bool:
        """Whether it takes limits from its controller now."""
        ...

    def reboot(self) -> None: ...


Effect = Callable[[Controller, Outlet, WritePoint, Value], None]

OUT_OF_SERVICE_WORDS = ("unavailable", "inoperative", "out of service", "locked")


def meaning(point: WritePoint, value: Value) -> str:
    """The profile's words for the number that was written; empty where it has none."""
    if not point.values or not isinstance(value, int | Decimal):
        return ""
    return point.values.get(int(Decimal(value) / point.scale), "")


def number(value: Value) -> float:
    """A written number; 0 for anything else."""
    return 0.0 if isinstance(value, str | bytes | tuple) else float(value)


# Limits


def _limit(charger: Controller, outlet: Outlet, point: WritePoint, value: Value) -> None:
    if not charger.listens:
        return
    limit = number(value)
    words = meaning(point, value)
    if words:
        limit = _special(outlet, words)
    else:
        _consequence(outlet, point, limit)
    if limit < 0:
        outlet.allowance.forget()
    elif point.unit == "W":
        outlet.allowance.write_power(limit)
    else:
        outlet.allowance.write(limit)
    if limit > 0 and _pause_ends_by_itself(charger.profile):
        outlet.allowance.enabled = True


def _special(outlet: Outlet, words: str) -> float:
    """The limit meant by a number with a meaning of its own; below zero: none."""
    if "no limit" in words:
        return -1.0
    if "cancel" in words or "stop" in words:
        outlet.stop()
    return 0.0


def _consequence(outlet: Outlet, point: WritePoint, limit: float) -> None:
    """What a limit does that is none."""
    low = point.min is not None and limit < point.min
    words = point.zero if limit == 0 else point.below_min if low else ""
    if words == "ends the session":
        outlet.stop()
    elif words == "error state":
        outlet.fault(outlet.error_code or 1)


def _pause_ends_by_itself(profile: Profile) -> bool:
    """Whether there is a command for a pause and none for its end: then a new limit ends it."""
    pause = profile.writable.get("pause")
    return pause is not None and len(pause.values) == 1


def _stored_limit(charger: Controller, outlet: Outlet, point: WritePoint, value: Value) -> None:
    outlet.allowance.stored_a = number(value)
    _limit(charger, outlet, point, value)


def _station_limit(charger: Controller, outlet: Outlet, point: WritePoint, value: Value) -> None:
    """A limit of the station is shared out evenly."""
    share = number(value) / len(charger.outlets)
    _consequence(outlet, point, share)
    outlet.allowance.station_a = share if point.unit == "A" else share / outlet.w_per_a


def _no_limit(_: Controller, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    outlet.allowance.forget()


def _energy_limit(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    limit_wh = number(value)
    outlet.energy_limit_wh = limit_wh if limit_wh > 0 and isfinite(limit_wh) else None


# Pausing and commands


def _enable(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.allowance.enabled = bool(value)


def _pause(charger: Controller, outlet: Outlet, point: WritePoint, value: Value) -> None:
    if meaning(point, value):
        _command(charger, outlet, point, value)
    else:
        outlet.allowance.enabled = not value


def _command(charger: Controller, outlet: Outlet, point: WritePoint, value: Value) -> None:
    first, _, _ = meaning(point, value).partition(" ")
    match first:
        case "pause" | "suspend" | "off" | "block":
            outlet.allowance.enabled = False
        case "continue" | "on" | "neutral":
            outlet.allowance.enabled = True
        case "start" | "restart":
            outlet.allowance.enabled = True
            outlet.start()
        case "stop" | "terminate" | "cancel":
            outlet.stop()
        case "available" | "unavailable":
            outlet.in_service = first == "available"
        case "reboot":
            _restart(charger, outlet, point, value)
        case _:
            pass


def _in_service(_: Controller, outlet: Outlet, point: WritePoint, value: Value) -> None:
    words = meaning(point, value)
    outlet.in_service = bool(value) if not words else words not in OUT_OF_SERVICE_WORDS


def _inhibit(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.in_service = not value


def _phases(_: Controller, outlet: Outlet, point: WritePoint, value: Value) -> None:
    """`1 phase` and the like; words without a number let the charger choose, and it takes all."""
    words = meaning(point, value)
    found = re.search(r"[123]", words) if words else None
    wanted = int(found.group()) if found else 0 if words else int(number(value))
    outlet.phases_used = min(outlet.phases, wanted or outlet.phases)


def _stop(_: Controller, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    outlet.stop()


def _lock(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.locked = bool(value)


def _authorize(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.present_tag(str(value).strip())


def _forget_tag(_: Controller, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    outlet.id_tag = ""


def _restart(charger: Controller, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    if outlet is charger.outlets[0]:
        charger.reboot()


# Fail-safe


def _failsafe_current(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.allowance.failsafe.current_a = number(value)


def _failsafe_power(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.allowance.failsafe.write_power(number(value), outlet.w_per_a)


def _failsafe_timeout(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.allowance.failsafe.timeout_s = number(value)


def _failsafe_enable(_: Controller, outlet: Outlet, __: WritePoint, value: Value) -> None:
    outlet.allowance.failsafe.enabled = bool(value)


def _persist(_: Controller, outlet: Outlet, __: WritePoint, ___: Value) -> None:
    outlet.allowance.failsafe.persist()


EFFECTS: Mapping[str, Effect] = {
    "set_current_limit": _limit,
    "set_current_limit_fine": _limit,
    "set_current_limit_stored": _stored_limit,
    "set_power_limit": _limit,
    "station_current_limit": _station_limit,
    "station_power_limit": _station_limit,
    "cancel_current_limit": _no_limit,
    "cancel_power_limit": _no_limit,
    "energy_limit": _energy_limit,
    "enable": _enable,
    "release": _enable,
    "allow": _enable,
    "pause": _pause,
    "force_state": _command,
    "start_stop": _command,
    "command": _command,
    "stop": _stop,
    "inhibit": _inhibit,
    "availability": _in_service,
    "station_availability": _in_service,
    "remote_lock": _in_service,
    "failsafe_current": _failsafe_current,
    "failsafe_power": _failsafe_power,
    "failsafe_timeout": _failsafe_timeout,
    "failsafe_enable": _failsafe_enable,
    "failsafe_persist": _persist,
    "phase_switch": _phases,
    "unlock_cable": _stop,
    "force_unlock": _stop,
    "lock_cable": _lock,
    "authorize": _authorize,
    "id_tag_clear": _forget_tag,
    "reset": _restart,
    "reset_all": _restart,
}
"""Anything else is only remembered."""
