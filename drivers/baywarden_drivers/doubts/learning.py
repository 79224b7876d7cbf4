"""What one device shows of itself at each contact, and the profile that comes of it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from baywarden_drivers.doubts.asking import Asking
from baywarden_drivers.doubts.decision import Decision, Remembered
from baywarden_drivers.doubts.doubt import Verdict, decision, judge, with_choice
from baywarden_drivers.doubts.memory import recalled, who_answers
from baywarden_drivers.doubts.weighing import Weighing
from baywarden_drivers.errors import DeviceError, NoAnswer
from baywarden_drivers.links.link import Link
from baywarden_drivers.mono import mono_s
from baywarden_drivers.profile.caution import has_one_layout
from baywarden_drivers.profile.doubts import Choice, Doubt
from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.sunspec import Chain, Model, discover, model_of, pick, resolve
from baywarden_drivers.values.value import PointValue

_LOOK_AGAIN_S = 60.0
"""A doubt that could not be decided is looked at again after so long."""
_BY_LOOKING = frozenset({"plausible", "answers", "rule"})


class Learning:
    """Resolves SunSpec addresses and decides doubts, by what the device at one unit shows."""

    def __init__(
        self,
        profile: Profile,
        link: Link,
        unit: int,
        connector: int = 1,
        *,
        look_again_s: float = _LOOK_AGAIN_S,
    ) -> None:
        self._base = profile
        self._link = link
        self._connector = connector
        self._asking = Asking(link, unit, connector)
        self._weighing = Weighing(self._asking)
        self._resolved = profile
        self._chosen: dict[str, Choice] = {}
        self._decisions: dict[str, Decision] = {}
        self._chain: Decision | None = None
        self._bases: Sequence[int] = profile.protocol.sunspec.bases if profile.protocol.sunspec else ()
        self._look_again_s = look_again_s
        self._look_at = 0.0
        self._place = f"{link.name}, unit {unit}, connector {connector}"
        self._who = ""
        self._written: set[str] = set()
        self._unproven: set[str] = set()
        """Doubts whose choice is remembered from an earlier run and was not seen in this one."""
        self._overturned: set[str] = set()
        self._first_whys: dict[str, str] = {}
        """What was seen first of each choice: a reading that differs at each contact is no news to be kept."""
        self._lock = asyncio.Lock()
        self.is_done = False
        """Whether all was looked at once, so that values can be read."""
        self.absent: Mapping[str, str] = {}
        """Points that the profile has and this device has not, and why."""
        self.remembered: Sequence[Remembered] = ()
        """What devices at this place have shown in earlier runs; set before the first contact."""
        self.profile = self._composed()

    @property
    def memory(self) -> tuple[Remembered, ...]:
        """What is worth keeping for the next run: what was seen now, and what nothing seen speaks against."""
        if not self.is_done:
            return tuple(self.remembered)
        who = self._who or self._place
        seen = {name: choice for name, choice in self._chosen.items() if name not in self._unproven}
        kept = (one for one in self.remembered if not self._who or one.who == who)
        return (
            *(
                Remembered(self._base.name, name, choice.name, self._first_whys[name], who)
                for name, choice in seen.items()
            ),
            *(one for one in kept if one.doubt not in seen and one.doubt not in self._overturned),
        )

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What was found out so far, and what is open."""
        return (*([self._chain] if self._chain else ()), *self._decisions.values())

    @property
    def is_waiting(self) -> bool:
        """Whether something is open that time may decide."""
        return any(one.decide != "never" and self._is_open(one) for one in self._resolved.doubt)

    def wrote(self, points: Iterable[str]) -> None:
        """These are written by us from now on: what stands there proves nothing about the device."""
        self._written.update(points)

    def layouts(self, name: str) -> list[WritePoint]:
        """The write point as far as it is open how a number stands in its registers; one when that is clear."""
        views = [self.profile]
        for doubt in self._unclear(name):
            views = [with_choice(view, doubt, choice) for view in views for choice in doubt.choice]
        return [view.writable[name] for view in views if name in view.writable]

    def why_unclear(self, name: str) -> str:
        """What has to be decided before a number is written to the point; nothing when that is clear."""
        sentences = [str(self._decisions[one.name]) for one in self._unclear(name)]
        return f"{name} is not written before this is decided: {'; '.join(sentences)}" if sentences else ""

    def _unclear(self, name: str) -> list[Doubt]:
        point = self.profile.writable.get(name)
        if point is None:
            return []
        open_ones = [one for one in self._resolved.doubt if one.name not in self._chosen]
        return [one for one in open_ones if name in one.points and not has_one_layout(one, point)]

    async def at_contact(self) -> list[str]:
        """Look at everything anew; sentences on what is different now. Raises DeviceError."""
        async with self._lock:
            await self._resolve()
            sentences = await self._look_at_all()
            before = self._who
            if await self._is_another():
                sentences = [f"another device answers here: {self._who}, not {before}"]
                self._chosen, self._written, self._unproven = {}, set(), set()
                self._weighing = Weighing(self._asking)
                sentences += await self._look_at_all()
            for doubt in self._resolved.doubt:
                self._recall(doubt)
            self._look_at = mono_s() + self._look_again_s
            self.is_done = True
            return sentences

    async def _look_at_all(self) -> list[str]:
        sentences = []
        for doubt in self._resolved.doubt:
            sentences += await self._look(doubt)
        return sentences

    async def _is_another(self) -> bool:
        """Whether another device than before tells its serial number here."""
        if all(doubt.decide == "never" for doubt in self._resolved.doubt):
            return False
        before, now = self._who, await who_answers(self._asking, self._resolved)
        self._who = now or before
        return bool(before and now) and before != now

    def _recall(self, doubt: Doubt) -> None:
        """Use what this very device has shown in an earlier run, until it shows it again or shows otherwise."""
        found = recalled(self.remembered, self._base, doubt, self._who, self._place)
        if found is None or doubt.name in self._chosen or doubt.name in self._overturned:
            return
        choice = next((one for one in doubt.choice if one.name == found.choice), None)
        if choice is None or doubt.decide == "never":
            return
        self._chosen[doubt.name], self._first_whys[doubt.name] = choice, found.why
        self._unproven.add(doubt.name)
        why = f"{found.why} (seen in an earlier run, not yet in this one)"
        self._decisions[doubt.name] = Decision(doubt.name, choice.name, True, why)
        self.profile = self._composed()

    async def slowly(self, values: Mapping[str, PointValue]) -> list[str] | None:
        """One more look at something open, if its time has come; sentences on it, None when nothing was read."""
        async with self._lock:
            try:
                return await self._weigh(values) or await self._look_again()
            except DeviceError as error:
                return [error.detail]

    async def _look_again(self) -> list[str] | None:
        if mono_s() < self._look_at:
            return None
        self._look_at = mono_s() + self._look_again_s
        found = [one for one in self._resolved.doubt if one.decide in _BY_LOOKING and self._is_open(one)]
        sentences = []
        for doubt in found:
            sentences += await self._look(doubt)
            if not self._is_open(doubt):
                sentences.append(str(self._decisions[doubt.name]))
        return sentences if found else None

    def _is_open(self, doubt: Doubt) -> bool:
        return doubt.name not in self._chosen or doubt.name in self._unproven

    # SunSpec.

    async def _resolve(self) -> None:
        sunspec = self._base.protocol.sunspec
        if sunspec is None:
            return
        first = self._base.read[0]
        unit = self._asking.unit_of(self._base, first)
        try:
            chain = await discover(self._link, unit, self._bases, first.type)
        except NoAnswer:
            self._bases = (*self._bases[1:], *self._bases[:1])  # some are silent where nothing stands
            raise
        profile = pick(chain, self._candidates())
        model = model_of(profile, chain, self._connector)
        self._resolved = resolve(profile, chain, self._connector)
        self.absent = _absent(self._base, profile, self._resolved, model)
        self._chain = _told(chain, model)
        self.profile = self._composed()

    def _candidates(self) -> list[Profile]:
        names = self._base.protocol.sunspec.profiles if self._base.protocol.sunspec else ()
        if not names:
            return [self._base]
        from baywarden_drivers.profile.loader import load_profile  # noqa: PLC0415 (only families need it)

        return [load_profile(name) for name in names]

    # Doubts.

    async def _look(self, doubt: Doubt) -> list[str]:
        """Judge one doubt by what stands in the registers now; a sentence when its choice changes."""
        profile = self._composed(without=doubt)
        seen = await self._asking.seen(profile, doubt) if doubt.decide in _BY_LOOKING else []
        is_ours = doubt.name not in self._chosen and not self._written.isdisjoint(doubt.points)
        return self._settle(doubt, judge(profile, doubt, seen, is_ours=is_ours))

    def _settle(self, doubt: Doubt, verdict: Verdict) -> list[str]:
        before = self._chosen.get(doubt.name)
        used = before or (doubt.choice[0] if doubt.choice else None)
        self._overturned.discard(doubt.name)
        if verdict.overturns:
            self._overturned.add(doubt.name)
        elif verdict.choice is None and before is not None:
            return []  # what was decided once stays so until something else is seen
        now = verdict.choice or (doubt.choice[0] if doubt.choice else None)
        self._decisions[doubt.name] = told = decision(doubt, verdict, now)
        self._unproven.discard(doubt.name)
        self._chosen.pop(doubt.name, None)
        if verdict.choice is not None:
            self._chosen[doubt.name] = verdict.choice
            if before is None or before.name != verdict.choice.name:
                self._first_whys[doubt.name] = verdict.why
        self.profile = self._composed()
        if not self.is_done or used is None or now is None or now.name == used.name:
            return []
        names = ", ".join(doubt.points)
        return [f"{told}; until now {used.name} was used, so these values change at once: {names}"]

    def _composed(self, without: Doubt | None = None) -> Profile:
        """The profile with the choice in force of each doubt."""
        profile = self._resolved
        for doubt in profile.doubt:
            if doubt.choice and doubt.points and doubt is not without:
                profile = with_choice(profile, doubt, self._chosen.get(doubt.name, doubt.choice[0]))
        return profile

    async def _weigh(self, values: Mapping[str, PointValue]) -> list[str] | None:
        """Hold open energy counters and powers against each other; sentences once one is decided."""
        for doubt in self._resolved.doubt:
            if doubt.decide != "energy_by_power" or not self._is_open(doubt):
                continue
            used = self._chosen.get(doubt.name, doubt.choice[0])
            verdict = await self._weighing.look(self._composed(without=doubt), doubt, used, values)
            if verdict is not None:
                sentences = self._settle(doubt, verdict)
                return (
                    sentences if verdict.choice is None or sentences else [str(self._decisions[doubt.name])]
                )
        return None


def _told(chain: Chain, model: Model) -> Decision:
    end = "; the device refuses to be read where its end should be marked" if chain.ends_unmarked else ""
    return Decision("sunspec", f"model {model.number} at {model.address}", True, f"{chain}{end}")


def _absent(base: Profile, profile: Profile, resolved: Profile, model: Model) -> dict[str, str]:
    here = f"model {model.number} of this device"
    return {
        one.name: f"{here} ends before it" if one.name in profile.readable else f"{here} has no such point"
        for one in (*base.read, *profile.read)
        if one.name not in resolved.readable
    }
