"""The share of the power: no line's fuse is ever promised more than it holds, whatever gets lost on the way.

Each cycle two sums are made. What everybody should have in the end (the aim) counts each outlet at its new
limit, and only those that cannot be reckoned with at their worst. A cut to the aim is granted at once. A raise
is granted only out of what is free when everybody is counted at the worst case, that is when the cuts of the
others are confirmed. An outlet without a car gets 0 A and is raised in the cycle that sees the plug.
"""

from collections.abc import Mapping

from baywarden.model.reading import Snapshot
from baywarden.model.site import Allocation, Commitment, SiteRules, SiteState
from baywarden.model.time import Now
from baywarden.policy.circuits import FailsafeFault, Tree, amps, failsafe_sum_faults
from baywarden.policy.claims import Claim, claims_of
from baywarden.policy.fill import Ask, Grant, fill, whole
from baywarden.policy.loads import Loads, loads_of
from baywarden.policy.promises import Promise, spare_power_w

__all__ = ["FailsafeFault", "Promise", "failsafe_sum_faults", "share", "spare_power_w"]

RAISE_EVERY_MS = 10_000
"""A car may take 5 s to follow, so an outlet is not raised more often, nor so soon after a cut."""
RESUME_AFTER_MS = 60_000
"""A car that was paused for want of current is not switched on again sooner: contactors wear."""
RESTLESS_MS = 300_000
"""One that was paused again, so soon after its last raise, stays off for as long: at most 12 times an hour."""
MARGIN_MA = 1_000
"""A raise leaves so much free where a meter measures, so that limits do not follow every flicker."""


def share(
    rules: SiteRules, state: SiteState, snapshot: Snapshot, held: Mapping[str, Commitment], now: Now
) -> Mapping[str, Allocation]:
    """The limit of every outlet for this cycle: 0 or at least its smallest current, in whole amperes."""
    tree = Tree(rules)
    claims = claims_of(tree, rules, state, snapshot, held=held, now=now)
    loads = loads_of(tree, rules, snapshot, claims, now)
    return _Cycle(tree, claims, loads, now).allocations()


class _Cycle:
    """One cycle's arithmetic."""

    def __init__(self, tree: Tree, claims: list[Claim], loads: Loads, now: Now) -> None:
        self._tree = tree
        self._claims = claims
        self._loads = loads
        self._now = now
        self._texts: dict[tuple[int, int], str] = {}
        limits_ma = tree.limits_ma()
        fixed_ma, worst_ma = [0] * len(limits_ma), [0] * len(limits_ma)
        for claim in claims:
            _count(claim, claim.worst_ma, worst_ma)
            if claim.trouble is not None:
                _count(claim, claim.worst_ma, fixed_ma)
        self._room_ma = [
            limit - load - fixed
            for limit, load, fixed in zip(limits_ma, loads.load_ma, fixed_ma, strict=True)
        ]
        self._free_ma = [
            limit - load - worst
            for limit, load, worst in zip(limits_ma, loads.most_ma, worst_ma, strict=True)
        ]

    def allocations(self) -> dict[str, Allocation]:
        """First the aims of all, then each outlet's step towards its own."""
        asks = {claim.evse.id: self._bounded(claim) for claim in self._claims}
        reckoned = [claim for claim in self._claims if claim.trouble is None]
        grants = fill([asks[claim.evse.id] for claim in reckoned], list(self._room_ma))
        aims = {claim.evse.id: grant for claim, grant in zip(reckoned, grants, strict=True)}
        found = {}
        for claim in self._claims:
            aim = aims.get(claim.evse.id)
            if aim is None:
                limit_ma, why = self._kept(claim, asks[claim.evse.id])
            else:
                limit_ma, why = self._towards(claim, aim)
            found[claim.evse.id] = Allocation(claim.evse.id, limit_ma, f"{amps(limit_ma)} A: {why}")
        return found

    def _bounded(self, claim: Claim) -> Ask:
        """Where the load is unknown, no outlet gets more than its fail-safe current."""
        ask = claim.ask
        most_ma = whole(claim.evse.failsafe_ma)
        if most_ma >= ask.want_ma or all(self._loads.is_known[line] for line in ask.lines):
            return ask
        want_ma = most_ma if most_ma >= ask.least_ma else 0
        return Ask(ask.lines, ask.least_ma, want_ma, ask.floor_ma, ask.is_booked)

    def _kept(self, claim: Claim, ask: Ask) -> tuple[int, str]:
        """One that cannot be reckoned with is not raised; it is told 0 A where it is a danger to a fuse.

        One that has fallen back by itself is told to stay there: it must not come back with its old limit.
        """
        trouble = claim.trouble or ""
        if ask.want_ma == 0:
            return 0, f"{claim.why}; {trouble}" if claim.ask.want_ma == 0 else self._unknown(claim)
        line = min(ask.lines, key=self._room_ma.__getitem__)
        if self._room_ma[line] < 0:
            return 0, f"{trouble}, and {self._tree.name(line)} is over its limit"
        if claim.held.sent_ma is None:
            return 0, trouble
        return min(_stays(claim), ask.want_ma), trouble

    def _towards(self, claim: Claim, aim: Grant) -> tuple[int, str]:
        if aim.got_ma <= claim.level_ma:
            return self._lowered(claim, aim)
        limit_ma, waits = self._raised(claim, aim.got_ma)
        if limit_ma == aim.got_ma:
            return limit_ma, self._reason(claim, aim)
        return limit_ma, f"may have {amps(aim.got_ma)} A, {waits}"

    def _lowered(self, claim: Claim, aim: Grant) -> tuple[int, str]:
        """One never told may really be at its fail-safe current, whatever it shows: while its fuse is overbooked it
        is told no more than that, because what looks like a cut would be a raise."""
        most_ma = whole(claim.evse.failsafe_ma)
        if (
            claim.held.sent_ma is not None
            or aim.got_ma <= most_ma
            or all(self._free_ma[line] >= 0 for line in claim.ask.lines)
        ):
            return aim.got_ma, self._reason(claim, aim)
        limit_ma = most_ma if most_ma >= claim.ask.least_ma else 0
        return limit_ma, f"may have {amps(aim.got_ma)} A, when the others have been cut"

    def _raised(self, claim: Claim, aim_ma: int) -> tuple[int, str]:
        """The step up that is safe now, and what the rest waits for."""
        held, level_ma = claim.held, claim.level_ma
        if not held.confirmed:
            return level_ma, f"when {amps(level_ma)} A is read back"
        wait_ms = self._wait_ms(claim)
        if wait_ms > 0:
            return level_ma, f"in {-(-wait_ms // 1000)} s"
        safe_ma, _ = self._most(claim, 0)
        easy_ma, line = self._most(claim, MARGIN_MA)
        # What was promised, and the least, is given up to the fuse's limit; only more than that needs the margin.
        due_ma = max(claim.ask.floor_ma, claim.ask.least_ma)
        limit_ma = min(aim_ma, max(whole(easy_ma), min(due_ma, whole(safe_ma))))
        if limit_ma < max(level_ma, claim.ask.least_ma):
            limit_ma = level_ma
        for feed, worst_ma in zip(claim.feeds, claim.worst_ma, strict=True):
            for one in feed:
                self._free_ma[one] -= max(0, limit_ma - worst_ma)
        return limit_ma, f"when {self._tree.name(line)} is free of it"

    def _most(self, claim: Claim, margin_ma: int) -> tuple[int, int]:
        """The most it can have now with a margin left where a meter measures, and the line that says so."""
        return min(
            (self._free_ma[line] + worst_ma - (margin_ma if self._loads.is_measured[line] else 0), line)
            for feed, worst_ma in zip(claim.feeds, claim.worst_ma, strict=True)
            for line in feed
        )

    def _wait_ms(self, claim: Claim) -> int:
        held = claim.held
        wait_ms = _left_ms(held.raised_mono_ms, RAISE_EVERY_MS, self._now)
        if held.cut_mono_ms is None:
            return wait_ms
        if claim.level_ma:
            return max(wait_ms, _left_ms(held.cut_mono_ms, RAISE_EVERY_MS, self._now))
        if claim.session is not None and self._now.in_ms(held.cut_mono_ms) > claim.session.started_at:
            return max(wait_ms, _left_ms(held.cut_mono_ms, _pause_ms(claim, self._now), self._now))
        return wait_ms

    def _reason(self, claim: Claim, aim: Grant) -> str:
        if aim.line is not None:
            key = aim.line, 0 if aim.got_ma else aim.ask.least_ma
            text = self._texts.get(key)
            if text is None:
                text = self._texts[key] = self._narrowness(*key)
            return text
        if aim.ask.want_ma < claim.ask.want_ma:
            return self._unknown(claim)
        return claim.why

    def _narrowness(self, line: int, lacking_ma: int) -> str:
        room = (
            f"no {amps(lacking_ma)} A left" if lacking_ma else f"{amps(self._room_ma[line])} A for its cars"
        )
        return f"{self._tree.name(line)} has {room} beside {amps(self._loads.load_ma[line])} A of other load"

    def _unknown(self, claim: Claim) -> str:
        line = next(line for line in claim.ask.lines if not self._loads.is_known[line])
        return f"the load of {self._tree.name(line)} is unknown, so no more than the fail-safe current"


def _count(claim: Claim, current_ma: tuple[int, ...], sums_ma: list[int]) -> None:
    for feed, phase_ma in zip(claim.feeds, current_ma, strict=True):
        for line in feed:
            sums_ma[line] += phase_ma


def _stays(claim: Claim) -> int:
    """What a silent one is told: what it was told last, or no more than what it has fallen back to."""
    if claim.fallback_ma is None:
        return claim.level_ma
    most_ma = min(claim.level_ma, whole(claim.fallback_ma))
    return most_ma if most_ma >= claim.ask.least_ma else 0


def _pause_ms(claim: Claim, now: Now) -> int:
    """How long a car stays paused. A booked one was promised its current, however restless the load is.

    A raise in the first minute of a session cannot have ended a pause: that car is paused for the first time.
    """
    held, session = claim.held, claim.session
    if claim.ask.is_booked or session is None or held.cut_mono_ms is None or held.raised_mono_ms is None:
        return RESUME_AFTER_MS
    is_first = now.in_ms(held.raised_mono_ms - RESUME_AFTER_MS) < session.started_at
    is_restless = not is_first and held.cut_mono_ms - held.raised_mono_ms < RESTLESS_MS
    return RESTLESS_MS if is_restless else RESUME_AFTER_MS


def _left_ms(since_mono_ms: int | None, wait_ms: int, now: Now) -> int:
    if since_mono_ms is None or since_mono_ms > now.mono_ms:
        return 0
    return max(0, since_mono_ms + wait_ms - now.mono_ms)
