"""Whether the currents that chargers allowed ever exceeded a circuit, from the simulator's own notes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Over:
    """A stretch in which more was allowed than the circuit holds; `why` names what each outlet went by."""

    from_s: float
    to_s: float
    sum_a: float
    why: Mapping[str, str]


def over_limit(changes: Iterable[Change], outlets: Sequence[str], limit_a: float) -> list[Over]:
    """Stretches over the limit, from when every outlet has been told a limit for the first time.

    One that was only in its fail-safe and has come back to what it started with was told nothing.
    """
    allowed: dict[str, float] = {}
    untold: dict[str, float] = {}
    why: dict[str, str] = {}
    found: list[Over] = []
    began: tuple[float, float, dict[str, str]] | None = None
    at_s = 0.0
    for at_s, together in _by_moment(changes, outlets):
        for change in together:
            outlet, allowed_a = change["outlet"], change["allowed_a"]
            allowed[outlet], why[outlet] = allowed_a, change["why"]
            if change["why"] == "start":
                untold[outlet] = allowed_a
            elif change["why"] == "written" and untold.get(outlet) == allowed_a:
                why[outlet] = "start"
            elif change["why"] == "written":
                untold.pop(outlet, None)
        sum_a = sum(allowed.values())
        is_over = "start" not in why.values() and len(why) == len(outlets) and sum_a > limit_a + 1e-6
        if began is not None and (not is_over or sum_a != began[1]):
            found.append(Over(began[0], at_s, began[1], began[2]))
            began = None
        if is_over and began is None:
            began = (at_s, sum_a, dict(why))
    if began is not None:
        found.append(Over(began[0], max(at_s, began[0]), began[1], began[2]))
    return found


def as_told(changes: Iterable[Change]) -> list[Change]:
    """The same without the chargers' own fail-safes: each outlet at the last limit that it was told."""
    return [change for change in changes if change["why"] != "failsafe"]


def unexcused(over: Iterable[Over], nobody_at_work: Sequence[tuple[float, float]]) -> list[Over]:
    """What a fail-safe does not explain.

    A charger that falls back to its fail-safe current while nobody is at work adds it to what the others, that
    have not fallen back yet, still hold: only after the longest time-out the sum is that of all fail-safes.
    """
    return [
        one
        for one in over
        if "failsafe" not in one.why.values()
        or not any(begin <= one.from_s and one.to_s <= end for begin, end in nobody_at_work)
    ]


def worked_s(over: Over, nobody_at_work: Iterable[tuple[float, float]]) -> float:
    """How long of the stretch somebody was at work and could have mended it."""
    off_s = sum(max(0.0, min(end, over.to_s) - max(begin, over.from_s)) for begin, end in nobody_at_work)
    return over.to_s - over.from_s - off_s


def summary(over: Sequence[Over]) -> str:
    """`3 stretches over, the longest 38 s, the highest 24 A`."""
    if not over:
        return "never over"
    longest_s = max(one.to_s - one.from_s for one in over)
    highest_a = max(one.sum_a for one in over)
    return f"{len(over)} stretches over, the longest {longest_s:.0f} s, the highest {highest_a:g} A"


def _by_moment(changes: Iterable[Change], outlets: Sequence[str]) -> list[tuple[float, list[Change]]]:
    moments: dict[float, list[Change]] = {}
    for change in changes:
        if change["outlet"] in outlets:
            moments.setdefault(change["at_s"], []).append(change)
    return sorted(moments.items())
