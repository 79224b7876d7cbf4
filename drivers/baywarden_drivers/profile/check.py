"""Faults between the parts of a profile: names that lead nowhere and points that the wire habits forbid."""

from collections import Counter
from collections.abc import Iterable, Iterator

from baywarden_drivers.errors import Fault
from baywarden_drivers.profile.base import FIELDBUS_BITS
from baywarden_drivers.profile.caution import reckless_doubts
from baywarden_drivers.profile.conduct import PointWrite
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.reasons import nearest


def faults_between_parts(profile: Profile) -> list[Fault]:
    """Everything that single fields cannot know."""
    return [
        *_repeated("read", (point.name for point in profile.read)),
        *_repeated("write", (point.name for point in profile.write)),
        *_too_long(profile),
        *_lost_names(profile),
        *_writes_out_of_reach(profile),
        *_steering_at_start(profile),
        *_wear(profile),
        *_charger_without_status(profile),
        *_doubts(profile),
        *reckless_doubts(profile),
        *_sunspec(profile),
    ]


def _repeated(part: str, names: Iterable[str]) -> Iterator[Fault]:
    for name, times in Counter(names).items():
        if times > 1:
            yield Fault(f'{part} "{name}"', f"is given {times} times: every name once")


def _too_long(profile: Profile) -> Iterator[Fault]:
    protocol = profile.protocol
    for point in profile.read:
        place = f'read "{point.name}"'
        if point.type in FIELDBUS_BITS:
            limit, what = protocol.max_bits_per_read, "max_bits_per_read"
        else:
            limit, what = protocol.max_registers_per_read, "max_registers_per_read"
        if point.count > limit:
            yield Fault(place, f"count {point.count} is more than protocol.{what} = {limit}")
        if protocol.start_even and point.address % 2:
            yield Fault(place, f"address {point.address} is odd but protocol.start_even asks for even ones")
        if protocol.count_even and point.count % 2:
            yield Fault(place, f"count {point.count} is odd but protocol.count_even asks for even ones")


def _lost_names(profile: Profile) -> Iterator[Fault]:
    readable = {*profile.readable, *(derived.name for derived in profile.derive)}
    for place, name in _read_names(profile):
        yield from _unknown(place, name, readable, "read point")
    for place, name in _write_names(profile):
        yield from _unknown(place, name, set(profile.writable), "write point")
    if profile.failsafe is not None:
        for key in ("timeout_point", "current_point", "power_point"):
            yield from _unknown(
                f"failsafe.{key}", getattr(profile.failsafe, key), readable | set(profile.writable), "point"
            )


def _unknown(place: str, name: str | None, known: set[str], what: str) -> Iterator[Fault]:
    if name is None or name in known:
        return
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else ""
    yield Fault(place, f"no {what} is called {name!r}{hint}")


def _read_names(profile: Profile) -> Iterator[tuple[str, str | None]]:
    yield "connectors.count_point", profile.connectors.count_point
    yield "startup.falls_on_restart", profile.startup.falls_on_restart
    for condition in profile.startup.again_when:
        yield "startup.again_when", condition.point
    for derived in profile.derive:
        for part in derived.parts:
            yield f'derive "{derived.name}"', part
    for point in profile.read:
        yield f'read "{point.name}".scale_point', point.scale_point
        for factor in point.multiply_by:
            yield f'read "{point.name}".multiply_by', factor
        for condition in point.only_when:
            yield f'read "{point.name}".only_when', condition.point
    if profile.control is not None:
        yield "control.readback", profile.control.readback
        yield "control.phases_point", profile.control.phases_point
        for part in ("paused_when", "recover_when"):
            yield from ((f"control.{part}", one.point) for one in getattr(profile.control, part))
    if profile.failsafe is not None:
        yield "failsafe.remaining_point", profile.failsafe.remaining_point
    if profile.status is not None:
        yield "status.source", profile.status.source
        for number, rule in enumerate(profile.status.rule, 1):
            yield f"status.rule {number}.by", rule.by
            for condition in rule.when:
                yield f"status.rule {number}.when", condition.point


def _doubts(profile: Profile) -> Iterator[Fault]:
    """Doubts about points that are not there, or that decide themselves by what they change."""
    known = {*profile.readable, *profile.writable}
    for doubt in profile.doubt:
        here = f'doubt "{doubt.name}"'
        for name in doubt.points:
            yield from _unknown(f"{here}.points", name, known, "point")
        for check in doubt.check:
            yield from _unknown(f"{here}.check", check.point, set(profile.readable), "read point")
        for choice in doubt.choice:
            for condition in choice.when:
                place = f'{here}.choice "{choice.name}".when'
                yield from _unknown(place, condition.point, set(profile.readable), "read point")
                if condition.point in doubt.points:
                    yield Fault(place, f"{condition.point} is itself in doubt here")


def _sunspec(profile: Profile) -> Iterator[Fault]:
    for point in profile.read:
        if (profile.protocol.sunspec is None) != (point.sunspec is None):
            yield Fault(f'read "{point.name}".sunspec', "goes with protocol.sunspec: give both or none")


def _write_names(profile: Profile) -> Iterator[tuple[str, str | None]]:
    for write in (*profile.startup.writes, *profile.startup.again):
        yield "startup.writes or startup.again", write.point
    if profile.control is not None:
        yield "control.limit", profile.control.limit
        for write in (*profile.control.pause, *profile.control.resume):
            yield "control.pause or control.resume", write.point
    if profile.failsafe is not None:
        yield "failsafe.heartbeat_point", profile.failsafe.heartbeat_point
        for write in profile.failsafe.enable:
            yield "failsafe.enable", write.point
        for name in profile.failsafe.also_current:
            yield "failsafe.also_current", name


def _writes_out_of_reach(profile: Profile) -> Iterator[Fault]:
    for point in profile.write:
        if point.type == "coil":
            continue
        functions = point.functions or profile.protocol.functions_write
        if point.count > 1 and 16 not in functions:
            yield Fault(
                f'write "{point.name}"', f"{point.count} registers need function 16, not {list(functions)}"
            )


def _steering_at_start(profile: Profile) -> Iterator[Fault]:
    """Start-up writes that release the car or feed the fail-safe, though the site may have decided nothing."""
    control, failsafe = profile.control, profile.failsafe
    steers = set(_signs_of_life(profile))
    allowed: tuple[PointWrite, ...] = ()
    if control is not None:
        allowed = control.pause
        steers |= {control.limit, *(one.point for one in (*control.pause, *control.resume))}
    if failsafe is not None and failsafe.heartbeat_point is not None:
        steers.add(failsafe.heartbeat_point)
    for part in ("writes", "again"):
        for write in getattr(profile.startup, part):
            if write.point in steers and write not in allowed:
                yield Fault(
                    f"startup.{part}",
                    f"{write.point} = {write.value} steers the car or feeds the fail-safe, which only a decision of "
                    "the site may do: nothing but the writes of control.pause; to recover, see control.recover_when",
                )


def _wear(profile: Profile) -> Iterator[Fault]:
    """Points in flash that would be written again and again."""
    at_start = [write.point for write in (*profile.startup.writes, *profile.startup.again)]
    for place, names in (("startup", at_start), ("failsafe.heartbeat", _signs_of_life(profile))):
        for name in dict.fromkeys(names):
            point = profile.writable.get(name)
            if point is not None and (point.persistent or not point.cyclic):
                yield Fault(
                    place, f"{name} lies in the device's memory, which wears: it must not be written so often"
                )


def _signs_of_life(profile: Profile) -> list[str]:
    """The points that are written to feed the fail-safe."""
    failsafe = profile.failsafe
    if failsafe is None:
        return []
    match failsafe.heartbeat:
        case "rewrite_setpoint":
            name = None if profile.control is None else profile.control.limit
        case "rewrite_timeout":
            name = failsafe.heartbeat_point or failsafe.timeout_point
        case "write_flag" | "write_flag_device_clears" | "write_token":
            name = failsafe.heartbeat_point
        case _:
            name = None
    return [] if name is None else [name]


def _charger_without_status(profile: Profile) -> Iterator[Fault]:
    if profile.kind == "charger" and profile.status is None:
        yield Fault("status", "a charger needs a [status] part: source, iec and state")
