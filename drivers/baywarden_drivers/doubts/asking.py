"""Registers asked for to learn what a device is, also where some stay unanswered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from baywarden_drivers.doubts.doubt import Seen, asked, with_choice
from baywarden_drivers.errors import DeviceError, Garbled, NoAnswer, Refused
from baywarden_drivers.links.link import Link
from baywarden_drivers.mono import mono_ms, mono_s
from baywarden_drivers.profile.addressing import place
from baywarden_drivers.profile.doubts import Choice, Doubt
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.derive import multiplied
from baywarden_drivers.values.value import PointValue, Quality

_SILENT_FOR_S = 3600.0
_MAYBE_SILENT_FOR_S = 60.0
_MOST_SILENCES = 6

_Key = tuple[int, str, int, int]
"""Unit, register type, address and count."""
_Answer = tuple[int, ...] | DeviceError


@dataclass(slots=True)
class _Silence:
    """Registers that were asked for in vain."""

    times: int = 0
    skip_until: float = 0.0


class Asking:
    """Reads points of one connector alone, as different profiles have them."""

    def __init__(self, link: Link, unit: int, connector: int) -> None:
        self._link = link
        self._unit = unit
        self._connector = connector
        self._silences: dict[_Key, _Silence] = {}

    async def seen(self, profile: Profile, doubt: Doubt) -> list[Seen]:
        """What the device shows under every choice. Raises DeviceError at the first silence."""
        views = [(choice, with_choice(profile, doubt, choice)) for choice in doubt.choice]
        wanted = [(choice, view, _points(view, asked(view, doubt, choice))) for choice, view in views]
        answers = await self._gather([self._key(view, one) for _, view, points in wanted for one in points])
        return [self._seen_under(choice, view, points, answers) for choice, view, points in wanted]

    async def values(self, views: Sequence[tuple[Profile, ReadPoint]]) -> list[PointValue]:
        """The values of these points as their profiles have them. Raises DeviceError at the first silence."""
        keys = [self._key(view, point) for view, point in views]
        answers = await self._gather(keys)
        return [_value(point, answers[key]) for (_, point), key in zip(views, keys, strict=True)]

    def unit_of(self, profile: Profile, point: ReadPoint) -> int:
        """The unit at which the point answers."""
        return place(profile, point, self._connector, self._unit).unit

    def _seen_under(
        self, choice: Choice, view: Profile, points: Sequence[ReadPoint], answers: Mapping[_Key, _Answer]
    ) -> Seen:
        got = {one.name: answers[self._key(view, one)] for one in points}
        raw = {one.name: _value(one, got[one.name]) for one in points}
        values = {one.name: multiplied(one, raw) for one in points}
        codes = {
            name: one.code if isinstance(one, Refused) else -1
            for name, one in got.items()
            if isinstance(one, DeviceError)
        }
        return Seen(choice, values, codes)

    def _key(self, profile: Profile, point: ReadPoint) -> _Key:
        where = place(profile, point, self._connector, self._unit)
        return where.unit, point.type, where.address, point.count

    async def _gather(self, keys: Sequence[_Key]) -> dict[_Key, _Answer]:
        """The registers at all of them, or the refusals.

        What stayed unanswered before is asked for last, and given up when the device has answered others.
        """
        answers: dict[_Key, _Answer] = {}
        for key in sorted(set(keys), key=self._times_silent):
            silence = self._silences.get(key)
            if silence is not None and mono_s() < silence.skip_until:
                answers[key] = NoAnswer(f"registers {key[2]} to {key[2] + key[3] - 1} are not answered")
                continue
            try:
                answers[key] = await self._link.read(*key)
            except Refused as error:
                answers[key] = error
            except (NoAnswer, Garbled):
                self._note_silence(
                    key, is_alive=any(not isinstance(one, NoAnswer) for one in answers.values())
                )
                raise
            self._silences.pop(key, None)
        return answers

    def _times_silent(self, key: _Key) -> int:
        silence = self._silences.get(key)
        return 0 if silence is None else silence.times

    def _note_silence(self, key: _Key, *, is_alive: bool) -> None:
        silence = self._silences.setdefault(key, _Silence())
        silence.times += 1
        if silence.times > 1 and is_alive:
            silence.skip_until = mono_s() + _SILENT_FOR_S
        elif silence.times >= _MOST_SILENCES:
            silence.skip_until = mono_s() + _MAYBE_SILENT_FOR_S


def _points(profile: Profile, names: Sequence[str]) -> list[ReadPoint]:
    return [profile.readable[name] for name in names if name in profile.readable]


def _value(point: ReadPoint, answer: _Answer) -> PointValue:
    if isinstance(answer, DeviceError):
        return PointValue(None, Quality.MISSING, mono_ms(), answer.detail)
    return decode(point, answer)
