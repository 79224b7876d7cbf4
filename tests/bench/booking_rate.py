"""How long the rules take to admit a booking and to find a slot among 100,000 others at 200 outlets, without the disk.

The yardstick of an admission is the least that any calendar of that size costs: a bisection in each outlet's sorted
bookings and one insertion. Growth is measured at one density: the same wishes for the first hours of a calendar that
reaches a hundred times as far. Run as `make bench ARGS=booking_rate`.
"""

import json
import random
import sys
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import attrgetter
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from busy_site import AT, HOUR, booked, now, percentile, rules, seconds

from baywarden.model.command import Command, Door, FindSlots, PutBooking, Result
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.step import Commanded, Step
from baywarden.policy.site import decide

SIZES = (1_000, 10_000, 100_000)
ADMISSIONS = 1_000
FINDS = 30
P99_MS, FIND_MS = 2.0, 50.0
GROWTH = 2.0
"""A hundred times the bookings; the logarithm grows 1.7 times from 1,000 to 100,000."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to ask."""

    name: str
    fields: dict[str, Any]
    power_w: int = 0


KINDS = (
    Kind("one_outlet", {"evse_id": "bay-77"}),
    Kind("one_outlet_11_kw", {"evse_id": "bay-77"}, 11_000),
    Kind("any_of_a_group", {"group": "all"}, 7_000),
)


def ask(state: SiteState, site: SiteRules, request: PutBooking | FindSlots) -> Step:
    """One command."""
    return decide(state, Commanded(Command("c", "asked", request, Door.CLOUD)), site, now())


def wishes(kind: Kind, count: int, days: float = 80) -> list[PutBooking]:
    """Hours anywhere in the next days."""
    dice = random.Random(11)
    found = []
    for n in range(count):
        start_at = AT + HOUR + timedelta(seconds=300 * dice.randrange(int(days * 288)))
        wish = PutBooking(f"new-{n}", start_at, start_at + HOUR, f"N{n}", power_w=kind.power_w, **kind.fields)
        found.append(wish)
    return found


def admissions(state: SiteState, site: SiteRules, kind: Kind, days: float = 80) -> dict[str, float]:
    """Milliseconds of CPU, so that others on the machine do not count; what was admitted is in the next one's way."""
    cpu, wall, accepted = [], [], 0
    for wish in wishes(kind, ADMISSIONS, days):
        begun, cpu_begun = time.perf_counter(), time.thread_time()
        step = ask(state, site, wish)
        cpu.append(1000 * (time.thread_time() - cpu_begun))
        wall.append(1000 * (time.perf_counter() - begun))
        state = step.state
        accepted += step.reply is not None and step.reply.result is Result.ACCEPTED
    return {
        "p50_ms": median(cpu),
        "p99_ms": percentile(cpu, 99),
        "wall_p99_ms": percentile(wall, 99),
        "accepted": accepted / ADMISSIONS,
    }


def bare_ms(state: SiteState) -> float:
    """The yardstick."""
    calendars = [evse.bookings for evse in state.evses.values()]
    start_of = attrgetter("start_at")
    at = AT + 40 * 24 * HOUR

    def work() -> None:
        places = [bisect_left(bookings, at, key=start_of) for bookings in calendars]
        first, place = calendars[0], places[0]
        (*first[:place], first[0], *first[place:])

    return 1000 * median(seconds(work) for _ in range(200))


def finds(state: SiteState, site: SiteRules) -> dict[str, float]:
    """Milliseconds of a search over 7 days and all outlets, by what is asked for."""
    found = {}
    for name, length_s, power_w in (("2_h", 7_200, 0), ("1_h_11_kw", 3_600, 11_000), ("12_h", 43_200, 0)):
        asked = [
            FindSlots(AT + day * 24 * HOUR, AT + (day + 7) * 24 * HOUR, length_s, power_w)
            for day in range(FINDS)
        ]
        taken = [1000 * seconds(partial(ask, state, site, one)) for one in asked]
        found[f"find_{name}_p50_ms"], found[f"find_{name}_max_ms"] = median(taken), max(taken)
    return found


def growth(site: SiteRules) -> dict[str, float]:
    """How many times the median grows with a hundred times the bookings, by the way to ask."""
    near, far = booked(site, SIZES[0], days=0.8), booked(site, SIZES[-1], days=80)
    found = {}
    for kind in KINDS:
        few, many = (admissions(state, site, kind, days=0.7)["p50_ms"] for state in (near, far))
        found[kind.name] = many / few
    found["find_2_h"] = _find_s(far, site) / _find_s(near, site)
    return found


def _find_s(state: SiteState, site: SiteRules) -> float:
    asked = FindSlots(AT + HOUR, AT + 17 * HOUR, 7_200)
    return median(seconds(lambda: ask(state, site, asked)) for _ in range(FINDS))


def main() -> int:
    """Print the figures as JSON; 1 when one misses its goal."""
    site = rules()
    figures: dict[str, Any] = {}
    for size in SIZES:
        state = booked(site, size)
        row: dict[str, Any] = {"bare_ms": bare_ms(state)}
        for kind in KINDS:
            row[kind.name] = admissions(state, site, kind)
        figures[f"{size}"] = row | finds(state, site)
    figures["growth"] = growth(site)
    print(json.dumps(figures, indent=2, default=float))
    many = figures[f"{SIZES[-1]}"]
    worst_ms = max(many[kind.name]["p99_ms"] for kind in KINDS)
    find_ms = max(value for key, value in many.items() if key.startswith("find_") and key.endswith("p50_ms"))
    grown = max(figures["growth"].values())
    bare = many["bare_ms"]
    print(f"admission p99 {worst_ms:.2f} ms (goal {P99_MS}), {worst_ms / bare:.1f} x the bare calendar")
    print(f"booking.find {find_ms:.1f} ms (goal {FIND_MS}), {find_ms / bare:.0f} x the bare calendar")
    print(f"100 times the bookings: {grown:.2f} x the time (goal {GROWTH})")
    return int(worst_ms > P99_MS or find_ms > FIND_MS or grown > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
