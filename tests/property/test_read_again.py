"""What is read again and has not changed is not worked out anew: the outcome is the same as if it were."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden_drivers import PointValue, Profile, Quality, load_profile, profile_names
from baywarden_drivers.polls.reads import Read, Reads
from baywarden_drivers.profile import parse_profile
from baywarden_drivers.profile.base import FIELDBUS_BITS
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.quality import Watch

LAW: Final = settings(max_examples=150, deadline=None)
PROFILES: Final = {name: load_profile(name) for name in profile_names()}


def reads_of(profile: Profile) -> list[Read]:
    """Everything that it can be asked for, joined as it is for a poll."""
    return Reads(profile, 1, 1).of(profile.read, profile.read)


READS: Final = [(profile, read) for profile in PROFILES.values() for read in reads_of(profile)]


@st.composite
def answers(draw: st.DrawFn, read: Read) -> list[tuple[int, ...]]:
    """Answers in a row, many of them alike in most registers."""
    word = st.integers(0, 1) if read.block.type in FIELDBUS_BITS else st.integers(0, 0xFFFF)
    count = read.block.count
    answer = draw(st.lists(word, min_size=count, max_size=count))
    found = [tuple(answer)]
    for _ in range(draw(st.integers(1, 6))):
        for place in draw(st.lists(st.integers(0, count - 1), max_size=3)):
            answer[place] = draw(word)
        found.append(tuple(answer))
    return found


@LAW
@given(st.data())
def test_a_read_tells_of_each_answer_what_its_registers_mean_and_when_they_came(data: st.DataObject) -> None:
    profile, known = data.draw(st.sampled_from(READS))
    read = Read(known.unit, known.block, known.shift, known.members)
    for moment, registers in enumerate(data.draw(answers(read))):
        expected = {}
        for point in read.block.points:
            start = point.address - read.block.address
            expected[point.name] = decode(point, registers[start : start + point.count], moment)
        assert read.decode(registers, moment) == expected, profile.name


METER: Final = parse_profile(
    """
schema = 1
vendor = "ACME"
model = "M1"
kind = "meter"
confidence = "medium"
summary = "Made up."
sources = ["made up"]
[transport.tcp]
"""
    + "".join(
        f'[[read]]\nname = "{name}"\ntype = "holding"\naddress = {address}\ndtype = "u16"\n'
        f'scale = 0.1\nunit = "{unit}"\npoll = "hot"\n'
        for address, (name, unit) in enumerate(
            {
                **{f"voltage_l{phase}": "V" for phase in (1, 2, 3)},
                **{f"current_l{phase}": "A" for phase in (1, 2, 3)},
                "power": "W",
                "frequency": "Hz",
                "energy_total": "Wh",
            }.items()
        )
    ),
    "made up",
    "acme",
)
USUAL: Final = {
    **{f"voltage_l{phase}": ("230.1", "230.2", "0", "12", "399", "700") for phase in (1, 2, 3)},
    **{f"current_l{phase}": ("0", "16.1", "31.9") for phase in (1, 2, 3)},
    "power": ("0", "11000.5", "90000"),
    "frequency": ("50.1", "0", "12"),
    "energy_total": ("1000", "1000.5", "2500", "9000000", "0"),
}
poll = st.fixed_dictionaries({name: st.sampled_from([None, *texts]) for name, texts in USUAL.items()})


def values_of(texts: Mapping[str, str | None], at_ms: int) -> dict[str, PointValue]:
    """A poll, each number of which is an object of its own."""
    return {
        name: PointValue(None, Quality.MISSING, at_ms, "silent")
        if text is None
        else PointValue(Decimal(text), Quality.GOOD, at_ms)
        for name, text in texts.items()
    }


@LAW
@given(st.lists(st.tuples(poll, st.integers(1, 6), st.sampled_from([1_000, 15_000])), min_size=1, max_size=6))
def test_a_number_that_is_the_very_one_of_before_is_judged_like_any_that_is_as_large(
    polls: list[tuple[dict[str, str | None], int, int]],
) -> None:
    one_by_one, kept = Watch(METER), Watch(METER)
    now_ms = 1_000_000
    for texts, times, every_ms in polls:
        first = values_of(texts, now_ms)
        for _ in range(times):
            now_ms += every_ms
            again = {name: value.read_again(now_ms) for name, value in first.items()}
            assert kept.judge(again, now_ms) == one_by_one.judge(values_of(texts, now_ms), now_ms)
