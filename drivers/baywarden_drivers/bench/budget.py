"""What a line is asked to carry, before anything is wired: the time of every read of the plan on the wire."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from baywarden_drivers.bench.line import Setting
from baywarden_drivers.links.request import READ_FUNCTIONS, Request
from baywarden_drivers.polls.costs import ON_NETWORK, Costs
from baywarden_drivers.polls.reads import Read, Reads
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile

COLD_EVERY_S = 30.0
CARD_EVERY_S = 3.0
TURNAROUND_S = 0.02
"""Assumed from the end of a question to the begin of the answer; meters are at 5 to 50 ms."""
ROUND_TRIP_S = 0.02
"""Assumed of a network, together with the device."""
FULL = 0.8
"""A line that is used more than this has nothing left for writes, repeats and silent devices."""
_FRAME = 3
_SILENT_CHARACTERS = 3.5
_SHORTEST_SILENCE_S = 0.00175


@dataclass(frozen=True, slots=True)
class Timing:
    """What one exchange takes. Without a setting it is a network."""

    setting: Setting | None
    turnaround_s: float

    @property
    def silence_s(self) -> float:
        """The quiet that must be kept between two frames."""
        if self.setting is None:
            return 0.0
        return max(_SILENT_CHARACTERS * self.setting.char_s, _SHORTEST_SILENCE_S)

    @property
    def costs(self) -> Costs:
        """The same in the planner's words."""
        if self.setting is None:
            return ON_NETWORK
        return Costs.on_serial(self.setting.char_s, self.silence_s)

    def exchange_s(self, request: Request) -> float:
        """Question, turnaround, answer, and the silence before the next one."""
        if self.setting is None:
            return self.turnaround_s
        characters = request.size + request.reply_size + 2 * _FRAME
        return characters * self.setting.char_s + self.turnaround_s + self.silence_s


@dataclass(frozen=True, slots=True)
class Share:
    """What one device asks of its line."""

    name: str
    profile: str
    poll_s: float
    reads: int
    """Reads in every poll."""
    cold_reads: int
    """Further reads, each once in COLD_EVERY_S, and the one with the card in CARD_EVERY_S."""
    hot_s: float
    """Time of the wire for one poll, without the slower reads."""
    cold_s: float
    """Time of the wire for all slower reads together within COLD_EVERY_S."""
    own_s: float
    """The shortest poll that the device itself allows: exchanges and the pauses between them."""

    @property
    def load(self) -> float:
        """The part of the line's time that it takes."""
        return self.hot_s / self.poll_s + self.cold_s / COLD_EVERY_S


@dataclass(frozen=True, slots=True)
class Budget:
    """One line with all its devices."""

    link: str
    setting: Setting | None
    shares: tuple[Share, ...]
    turnaround_s: float = TURNAROUND_S
    """What was assumed from question to answer."""

    @property
    def load(self) -> float:
        """The part of the time in which the line is in use; above 1 it cannot be done."""
        return sum(share.load for share in self.shares)

    @property
    def cycle_s(self) -> float:
        """The shortest time in which every device of the line has been polled once."""
        busy = sum(share.hot_s + share.cold_s * share.poll_s / COLD_EVERY_S for share in self.shares)
        return max([busy, *(share.own_s for share in self.shares)])


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device that shall be on a line."""

    name: str
    profile: Profile
    connector: int = 1
    unit: int | None = None
    poll_s: float = 1.0


def share_of(wanted: Wanted, timing: Timing) -> Share:
    """What a device costs on a line, with all its optional points."""
    profile = wanted.profile
    hot, cold = _reads(wanted, timing.costs)
    hot_s = sum(timing.exchange_s(_request(read)) for read in hot)
    cold_s = sum(timing.exchange_s(_request(read)) * _times(read) for read in cold)
    protocol = profile.protocol
    gap_s = max(protocol.min_request_gap_ms / 1000, timing.silence_s) - timing.silence_s
    chain_s = sum(
        max(timing.exchange_s(_request(read)) + gap_s, protocol.min_read_interval_ms / 1000) for read in hot
    )
    own_s = max(chain_s, protocol.min_poll_interval_ms / 1000)
    return Share(wanted.name, profile.name, wanted.poll_s, len(hot), len(cold), hot_s, cold_s, own_s)


def _times(read: Read) -> float:
    """How often it is read within COLD_EVERY_S."""
    return COLD_EVERY_S / CARD_EVERY_S if "id_tag" in read.names() else 1.0


def budget_of(
    link: str, setting: Setting | None, devices: Sequence[Wanted], turnaround_s: float | None = None
) -> Budget:
    """The budget of one line."""
    usual_s = ROUND_TRIP_S if setting is None else TURNAROUND_S
    timing = Timing(setting, usual_s if turnaround_s is None else turnaround_s)
    return Budget(link, setting, tuple(share_of(one, timing) for one in devices), timing.turnaround_s)


def advice(budget: Budget, devices: Sequence[Wanted], turnaround_s: float | None = None) -> list[str]:
    """What to change, the cheapest change first; a sentence that nothing has to be changed."""
    sentences = [
        f"{share.name}: {share.profile} cannot be polled faster than every {share.own_s:.1f} s, "
        f"but poll_s is {share.poll_s:g}: set poll_s = {math.ceil(share.own_s)}"
        for share in budget.shares
        if share.own_s > share.poll_s
    ]
    if budget.load <= FULL:
        return sentences or ["nothing: the line carries this with time to spare"]
    factor = budget.load / FULL
    slower = ", ".join(
        f"{poll_s:g} -> {_round_up(poll_s * factor):g} s"
        for poll_s in sorted({one.poll_s for one in devices})
    )
    sentences.append(f"poll slower: poll_s {slower}")
    sentences += _faster(budget, devices, turnaround_s)
    lines = _lines(budget)
    if lines > 1 and len(budget.shares) > 1:
        sentences.append(f"or split the devices over {lines} lines, each with its own adapter")
    if lines == 0:
        sentences.append("a single one of these devices is more than such a line can carry at this poll_s")
    return sentences


def _faster(budget: Budget, devices: Sequence[Wanted], turnaround_s: float | None) -> list[str]:
    """The lowest speed that every device can be set to and that is enough; else the highest."""
    setting = budget.setting
    if setting is None:
        return []
    common = _common_bauds(devices)
    for baud in sorted(one for one in common if one > setting.baud):
        faster = budget_of(budget.link, replace(setting, baud=baud), devices, turnaround_s)
        if faster.load <= FULL or baud == max(common):
            return [f"or set every device and the link to {baud} baud: the load becomes {faster.load:.0%}"]
    return ["a higher speed is not known to be possible with all of these devices"]


def _common_bauds(devices: Sequence[Wanted]) -> set[int]:
    options = [
        set(rtu.baud_options) | {rtu.baud}
        for one in devices
        if (rtu := one.profile.transport.rtu) is not None
    ]
    return set.intersection(*options) if options else set()


def _lines(budget: Budget) -> int:
    """How many lines are needed, the largest device first; 0 when one device alone is too much."""
    rest: list[float] = []
    for load in sorted((share.load for share in budget.shares), reverse=True):
        if load > FULL:
            return 0
        place = next((at for at, used in enumerate(rest) if used + load <= FULL), None)
        if place is None:
            rest.append(load)
        else:
            rest[place] += load
    return len(rest)


def _round_up(seconds: float) -> float:
    """To half seconds below 5 s, to whole ones above."""
    return math.ceil(seconds * 2) / 2 if seconds < 5 else math.ceil(seconds)


def _reads(wanted: Wanted, costs: Costs) -> tuple[list[Read], list[Read]]:
    """The reads of every poll, and those that are made slowly in turn."""
    profile = wanted.profile
    planner = Reads(
        profile, profile.default_unit if wanted.unit is None else wanted.unit, wanted.connector, costs
    )
    points = [one for one in profile.read if one.scope == "connector" or wanted.connector == 1]
    scales = {one.scale_point for one in points if one.poll == "hot"}
    hot_points = [one for one in points if one.poll == "hot" or one.name in scales]
    hot = planner.of(hot_points, points)
    cold = [one for one in points if one.poll == "cold" and one not in hot_points and not _inside(hot, one)]
    return hot, planner.of(cold, points)


def _inside(reads: Sequence[Read], point: ReadPoint) -> bool:
    """Whether the point comes along with one of these reads."""
    return not point.alone and any(read.block.holds(point) for read in reads)


def _request(read: Read) -> Request:
    return Request(
        read.unit, READ_FUNCTIONS[read.block.type], read.block.address + read.shift, read.block.count
    )
