"""What a sound profile still lacks, or asks for: nothing of it is a fault, all of it is worth knowing."""

from collections.abc import Iterator

from baywarden_drivers.bench.budget import Timing, Wanted, share_of
from baywarden_drivers.bench.capabilities import has_failsafe
from baywarden_drivers.bench.line import Setting
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.writes.wording import is_stored

_SLOW_POLL_S = 2.0
_MANY_READS = 12
_STATES = ("available", "preparing", "charging", "faulted")
_FEW_LETTERS = 2


def warnings_of(profile: Profile) -> list[str]:
    """Sentences, the most important first."""
    found = [*_of_kind(profile), *_of_reads(profile), *_of_writes(profile), *_of_words(profile)]
    return list(dict.fromkeys(found))


def _of_kind(profile: Profile) -> Iterator[str]:
    names = {*profile.readable, *(one.name for one in profile.derive)}
    if profile.kind == "meter":
        for name, why in (
            ("current_l1", "the power share needs currents"),
            ("energy_total", "no energy is known"),
        ):
            if name not in names:
                yield f"no point {name}: {why}"
        return
    yield from _of_status(profile)
    if profile.control is None:
        yield "no [control]: the power share cannot limit this charger"
    elif profile.control.readback is None:
        yield "control.readback is not given: whether a limit was taken is only seen by its effect"
    if profile.failsafe is None:
        yield "no [failsafe]: it is taken for one that keeps its last limit when the gateway is silent"
    elif not has_failsafe(profile):
        yield f"failsafe.trigger is {profile.failsafe.trigger!r}: it counts as a charger without a fail-safe"
    for name, why in (
        ("current_l1", "a limit cannot be judged by its effect"),
        ("power", "the power is not known"),
        ("energy_total", "sessions have no energy"),
    ):
        if name not in names:
            yield f"no point {name}: {why}"


def _of_status(profile: Profile) -> Iterator[str]:
    status = profile.status
    if status is None:
        return
    told = {*status.state.values(), *(state for rule in status.rule for state in rule.states.values())}
    told |= {rule.state for rule in status.rule if rule.state}
    missing = [state for state in _STATES if state not in told]
    if missing:
        yield f"status never says {', '.join(missing)}"
    letters = {*status.iec.values(), *(rule.iec for rule in status.rule if rule.iec)}
    letters |= {letter for rule in status.rule for letter in rule.iecs.values()}
    if len(letters) < _FEW_LETTERS:
        yield "status.iec gives fewer than two letters: whether a car is plugged in is not known"
    source = profile.readable.get(status.source)
    if source is not None and source.poll != "hot":
        yield f'read "{source.name}" is the status but not poll = "hot": it is read only now and then'


def _of_reads(profile: Profile) -> Iterator[str]:
    wire = profile.transport.rtu
    setting = None if wire is None else Setting(wire.baud, wire.parity, wire.stop_bits)
    share = share_of(Wanted(profile.name, profile), Timing(setting, 0.02))
    if share.reads > _MANY_READS:
        yield f"{share.reads} reads in every poll: gaps_readable, blocks or fewer hot points would make it cheaper"
    if share.own_s > _SLOW_POLL_S:
        yield f"one poll takes {share.own_s:.1f} s at least: set poll_s accordingly"
    hot = [one for one in profile.read if one.poll == "hot"]
    if not hot:
        yield 'no point has poll = "hot": nothing is read with every poll'
    overlapping = [
        f"{one.name} and {other.name}"
        for place, one in enumerate(profile.read)
        for other in profile.read[place + 1 :]
        if one.type == other.type
        and one.scope == other.scope
        and one.unit_id == other.unit_id
        and one.sunspec == other.sunspec
        and one.address < other.end
        and other.address < one.end
        and (one.address, one.count) != (other.address, other.count)
    ]
    if overlapping:
        yield f"points that overlap without being the same registers: {'; '.join(overlapping[:3])}"


def _of_writes(profile: Profile) -> Iterator[str]:
    control = profile.control
    point = None if control is None else profile.writable.get(control.limit)
    if control is None or point is None:
        return
    if is_stored(point):
        yield f'write "{point.name}" wears the device (persistent or not cyclic): limits are written rarely'
    if point.zero == "not documented" and not control.pause:
        yield f'write "{point.name}".zero is not documented and there is no control.pause: 0 A will not be written'
    if point.max is None:
        yield f'write "{point.name}" has no max'


def _of_words(profile: Profile) -> Iterator[str]:
    if profile.confidence == "medium":
        yield "confidence is medium: `baywarden device test` on the real device would raise it"
    for doubt in profile.doubt:
        if doubt.decide == "never":
            yield f"open question {doubt.name}: {doubt.text}"
