"""What is read when: hot points with every poll, and beside them one read of something slower."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from baywarden_drivers.doubts.decision import Decision
from baywarden_drivers.errors import DeviceError, Garbled, LinkDown, NoAnswer, Refused
from baywarden_drivers.links.link import Link
from baywarden_drivers.links.queue import Heard
from baywarden_drivers.mono import mono_ms, mono_s
from baywarden_drivers.polls.lengths import ReadLength
from baywarden_drivers.polls.presence import NO_SUCH_THING, Presence
from baywarden_drivers.polls.reads import Read, Reads
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.derive import makers, multiplied, only_when
from baywarden_drivers.values.status import asker
from baywarden_drivers.values.value import PointValue, Quality

COLD_EVERY_S = 30.0
CARD_EVERY_S = 3.0
"""Somebody who holds a card to the reader stands there and waits."""
_REST_S = 60.0
"""A hot read that the device refuses, or never answers although it answers others, is left out for so long."""
_MOST_SILENCES = 3
_MOST_DOUBLINGS = 6


class Polling:
    """The values of one connector and the reads that keep them fresh."""

    def __init__(
        self, profile: Profile, link: Link, unit: int, connector: int, *, rest_s: float = _REST_S
    ) -> None:
        self._link = link
        self._rest_s = rest_s
        self._connector = connector
        self._reads = Reads(profile, unit, connector, link.costs)
        self._length = ReadLength(profile.protocol.fallback_registers_per_read)
        self._presence = Presence()
        self._own: set[str] = set()
        self._hot: list[Read] = []
        self._cold: list[Read] = []
        self._once: list[Read] = []
        self._long_read: Read | None = None
        self._derived = makers(profile.derive)
        self.fell_silent = False
        """The last round of hot reads ended with one that is never answered, so nothing else is asked for then."""
        self.values: dict[str, PointValue] = {}
        self._take_over(profile)

    def learned(self, profile: Profile, absent: Mapping[str, str]) -> None:
        """Go on with these points: values of those that are others now, or `absent` (with why), are dropped."""
        before = self._reads.profile.readable
        changed = [one.name for one in profile.read if before.get(one.name) != one]
        self._presence.forget(changed)
        self._own -= set(changed)
        self._lose_names(changed, "not read yet")
        for name, why in absent.items():
            self._lose_names([name], why)
        if any(not {*changed}.isdisjoint(one.parts) for one in profile.derive):
            self._derived = makers(profile.derive)
        self._hot = []
        self._take_over(profile)
        for read in (*self._cold, *self._once):
            if not {*changed}.isdisjoint(read.names()):
                read.read_at = 0.0

    def _take_over(self, profile: Profile) -> None:
        self._reads.profile = profile
        needed = _asked_about(profile)
        self._points = [
            one
            for one in profile.read
            if one.scope == "connector" or self._connector == 1 or one.name in needed
        ]
        self._optional = [one for one in self._points if one.optional]
        now = mono_ms()
        for one in self._points:
            self.values.setdefault(one.name, PointValue(None, Quality.MISSING, now, "not read yet"))
        self._multiplied = [one for one in self._points if one.scale_point is not None or one.multiply_by]
        self._conditional = [(one.name, asker(one.only_when)) for one in self._points if one.only_when]
        self._replan()

    def _replan(self) -> None:
        """Plan again after something was learned about the device."""
        present = [one for one in self._points if self._presence.has(one)]
        scales = {one.scale_point for one in present if one.poll == "hot"}
        hot = [one for one in present if one.poll == "hot" or one.name in scales]
        slow = [one for one in present if one.poll != "hot" and one.name not in scales]
        before = {_key(one): one for one in self._hot}
        read_at = {name: one.read_at for one in (*self._cold, *self._once) for name in one.names()}
        self._hot = [before.get(_key(one), one) for one in self._reads.of(hot, present, slow)]
        riding = {name for read in self._hot for name in read.names()}
        slow = [one for one in slow if one.name not in riding]
        self._cold = self._reads.of([one for one in slow if one.poll == "cold"], present)
        self._once = self._reads.of([one for one in slow if one.poll == "once"], present)
        for read in (*self._cold, *self._once):
            read.read_at = min(read_at.get(name, 0.0) for name in read.names())

    def forget_once(self) -> None:
        """Read again what is read once, and try again what was refused: it may be another device by now."""
        for read in (*self._hot, *self._once):
            read.read_at = 0.0
            if not read.silences:  # a silence may be the very reason of the new contact
                read.rests_until = 0.0
        if self._reads.apart:
            self._reads.apart = set()
            self._replan()

    async def read_hot(self) -> list[str]:
        """Read all hot points; sentences on what was refused. Raises DeviceError when all was.

        The first silence ends the round: what else is hot is not asked for then. Of a device that answers other
        reads, one that was silent before as well costs itself only.
        """
        self.fell_silent = False
        refusals: list[Refused] = []
        sentences: list[str] = []
        now = mono_s()
        reads = sorted(self._hot, key=lambda one: one.silences)  # what was silent is asked last
        answered, failure = await self._take_together(reads, now)
        has_values = answered > 0
        for read in reads[answered:]:
            if now < read.rests_until and has_values:
                sentences.append(self._about(read))
                continue
            try:
                if failure is not None:
                    missed, failure = failure, None
                    raise missed
                await self._take(read)
                has_values = True
            except Refused as error:
                refusals.append(error)
                has_values |= await self._refused(read, error)
            except (NoAnswer, Garbled) as error:
                if not self._silent(read, error, others_answered=has_values):
                    raise
                sentences.append(self._about(read) if read.why else error.detail)
                self.fell_silent = True
                break
        if refusals and not has_values:
            raise refusals[0]
        return [error.detail for error in refusals] + sentences

    async def _refused(self, read: Read, error: Refused) -> bool:
        """Ask in smaller reads for what was refused, now and from now on; whether any was answered."""
        self._lose(read, error.detail)
        if error.code not in NO_SUCH_THING:
            return False
        if not read.is_long:
            read.rests_until, read.why = mono_s() + self._rest_s, error.detail
            return False
        names = set(read.names())
        apart = self._reads.apart
        if not self._shorten(read):
            self._reads.apart = apart | names
        self._replan()
        has_values = False
        for one in [one for one in self._hot if not names.isdisjoint(one.names())]:
            try:
                await self._take(one)
                has_values = True
            except Refused as refusal:
                has_values |= await self._refused(one, refusal)
        if not has_values:  # it refuses everything just now, which says nothing of its registers
            self._reads.apart = apart
            self._replan()
        return has_values

    def _shorten(self, read: Read) -> bool:
        is_shorter = self._length.refused(read.block.count)
        self._reads.most_registers = self._length.most
        return is_shorter

    def _silent(self, read: Read, error: DeviceError, *, others_answered: bool) -> bool:
        """Note a silence; whether it is known to be the read's own, while others are answered."""
        if read.is_long or self._length.on_trial:
            count = read.block.count
            if self._length.silent(count):
                self._long_read = read
                self._reads.most_registers = self._length.most
                self._replan()
                return False
        read.silences += 1
        if not others_answered:
            return False
        if read.silences >= _MOST_SILENCES:
            read.rests_until, read.why = mono_s() + self._rest_of(read), error.detail
            self._lose(read, error.detail)
        return read.silences > 1

    def _about(self, read: Read) -> str:
        return f"{read.why} (asked again within {self._rest_of(read):.0f} s)"

    def _rest_of(self, read: Read) -> float:
        """Ever longer: on a network each silence costs the connection."""
        doublings = min(max(0, read.silences - _MOST_SILENCES), _MOST_DOUBLINGS)
        return self._rest_s * float(2**doublings)

    async def read_slow(self) -> list[str]:
        """Read one thing that is due and not hot; sentences on what went wrong."""
        if self._length.on_trial:
            return await self._end_trial()
        now = mono_s()
        point = self._presence.next_to_ask(self._optional, now)
        if point is not None:
            return await self._probe(point, now)
        read = next((one for one in self._once if not one.read_at), None) or self._due(now)
        if read is None:
            return []
        read.read_at = now
        return await self._try(read)

    async def read_rest(self) -> list[str]:
        """Read all that is due and not hot, one thing after the other; sentences on what went wrong."""
        sentences: list[str] = []
        for _ in range(2 * len(self._points)):
            if not self._has_due(mono_s()):
                break
            sentences += await self.read_slow()
        return sentences

    def _has_due(self, now: float) -> bool:
        is_open = self._length.on_trial or self._presence.next_to_ask(self._optional, now) is not None
        return is_open or any(not one.read_at for one in self._once) or self._due(now) is not None

    async def _end_trial(self) -> list[str]:
        """Shorter reads are answered: whether the long one is as well by now."""
        read = self._long_read
        assert read is not None
        block = read.block
        try:
            await self._link.read(read.unit, block.type, block.address + read.shift, block.count)
            was_answered = True
        except LinkDown as error:
            return [error.detail]
        except DeviceError:
            was_answered = False
        if self._length.judge_trial(long_was_answered=was_answered):
            self._length.answered(block.count)
            self._reads.most_registers = None
            self._replan()
        found = self._length.decision()
        return [] if found is None else [str(found)]

    async def read_once(self) -> list[str]:
        """Read everything that is read once, now. Raises DeviceError when the device does not answer."""
        faults = []
        for read in self._once:
            try:
                await self._take(read)
                read.read_at = mono_s()
            except Refused as error:
                self._lose(read, str(error))
                faults.append(str(error))
        return faults

    async def read_point(self, name: str) -> PointValue:
        """Read one point alone, now. Raises DeviceError."""
        if name in self._reads.profile.readable:
            await self._take(self._reads.of_one(self._reads.profile.readable[name]))
        return self.finished()[name]

    def _due(self, now: float) -> Read | None:
        awake = (read for read in self._cold if read.rests_until <= now)
        first = min(awake, key=_next_at, default=None)
        return first if first is not None and now >= _next_at(first) else None

    async def _probe(self, point: ReadPoint, now: float) -> list[str]:
        try:
            await self.read_point(point.name)
        except LinkDown as error:
            return [error.detail]
        except DeviceError as error:
            self._presence.missed(point.name, error, now)
            self._lose_names([point.name], f"this device does not have it: {error.detail}")
            return []
        self._presence.found(point.name)
        self._replan()
        return []

    async def _try(self, read: Read) -> list[str]:
        try:
            await self._take(read)
        except DeviceError as error:
            self._lose(read, error.detail)
            if isinstance(error, NoAnswer | Garbled):
                self._silent(read, error, others_answered=True)
            elif isinstance(error, Refused) and len(read.members) > 1 and error.code in NO_SUCH_THING:
                if not self._shorten(read):
                    self._reads.apart |= set(read.names())
                self._replan()
            return [error.detail]
        return []

    async def _take(self, read: Read) -> None:
        profile = self._reads.profile
        registers = await self._link.read(*read.question)
        self._took(read, Heard(registers, mono_ms()), profile)

    async def _take_together(self, reads: Sequence[Read], now: float) -> tuple[int, DeviceError | None]:
        """Ask for the first of them in one go: how many were answered, and why the one behind them was not."""
        ready = list(takewhile(lambda one: one.rests_until <= now, reads))
        profile, heard, failure = self._reads.profile, list[Heard](), None
        if ready:
            try:
                await self._link.read_round([one.question for one in ready], heard)
            except DeviceError as error:
                failure = error
        for read, one in zip(ready, heard, strict=False):
            self._took(read, one, profile)
        return len(heard), failure

    def _took(self, read: Read, heard: Heard, profile: Profile) -> None:
        if self._reads.profile is profile:  # else these points were found to be others meanwhile
            self.values.update(read.decode(*heard))
        read.silences = 0
        self._length.answered(read.block.count)

    def _lose(self, read: Read, reason: str) -> None:
        self._lose_names(read.names(), reason)

    def _lose_names(self, names: Iterable[str], reason: str) -> None:
        now = mono_ms()
        self.values.update({name: PointValue(None, Quality.MISSING, now, reason) for name in names})

    def _has_own(self, name: str, own: PointValue | None) -> bool:
        """Whether the device gives this value itself, or may again; then it is never derived."""
        if own is None:
            return False
        if own.good:
            self._own.add(name)
        is_absent = self._presence.is_absent(name) or own.quality is Quality.NOT_AVAILABLE
        return name in self._own or not is_absent

    def finished(self) -> dict[str, PointValue]:
        """All values, as they count: with scales and ratios, without those that mean nothing now, and derived ones."""
        values = dict(self.values)
        for point in self._multiplied:
            values[point.name] = multiplied(point, self.values)
        for name, holds in self._conditional:
            values[name] = only_when(values[name], holds(values))
        for name, derive in self._derived:
            if not self._has_own(name, values.get(name)):
                values[name] = derive(values)
        return values

    def decisions(self) -> tuple[Decision, ...]:
        """What was found out about the reads of this device."""
        found = self._length.decision()
        return () if found is None else (found,)


def _next_at(read: Read) -> float:
    return read.read_at + (CARD_EVERY_S if "id_tag" in read.names() else COLD_EVERY_S)


def _key(read: Read) -> tuple[object, ...]:
    block = read.block
    return (read.unit, read.shift, block.type, block.address, block.count, *read.names())


def _asked_about(profile: Profile) -> set[str]:
    """Points of which values and conditions are made: each connector needs them, also those of the station."""
    conditions = [
        *(condition for point in profile.read for condition in point.only_when),
        *(condition for rule in (profile.status.rule if profile.status else ()) for condition in rule.when),
        *(profile.control.paused_when if profile.control else ()),
        *(profile.control.recover_when if profile.control else ()),
        *profile.startup.again_when,
    ]
    factors = {name for point in profile.read for name in (point.scale_point, *point.multiply_by) if name}
    restart = profile.startup.falls_on_restart
    return {*(one.point for one in conditions), *factors, *([restart] if restart else ())}
