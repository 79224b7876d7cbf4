"""Laws of the block planner, and a comparison with trying every way to cut."""

from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from baywarden_drivers import Block, load_profile, plan, profile_names
from baywarden_drivers.planner import ride_along
from baywarden_drivers.profile import Protocol, ReadPoint, Span

SIZES = {1: "u16", 2: "u32", 4: "u64"}


def point(number: int, address: int, count: int, kind: str = "holding") -> ReadPoint:
    """A point somewhere."""
    return ReadPoint.model_validate(
        {"name": f"p{number}", "type": kind, "address": address, "count": count, "dtype": SIZES[count]}
    )


@st.composite
def points(draw: st.DrawFn, most: int = 7, overlapping: bool = True) -> list[ReadPoint]:
    """Points close to each other, so that joining them is a question."""
    made: list[ReadPoint] = []
    for number in range(draw(st.integers(1, most))):
        count = draw(st.sampled_from(sorted(SIZES)))
        kind = draw(st.sampled_from(["holding", "holding", "input"]))
        one = point(number, draw(st.integers(0, 40)), count, kind)
        if overlapping or not any(_overlap(one, other) for other in made):
            made.append(one)
    return made


protocols = st.builds(
    Protocol,
    max_registers_per_read=st.integers(4, 24),
    gaps_readable=st.booleans(),
    max_gap_registers=st.integers(0, 12),
    exact_read=st.booleans(),
    blocks=st.one_of(
        st.just(()),
        st.builds(
            lambda first, size: (Span(type="holding", first=first, last=first + size),),
            st.integers(0, 30),
            st.integers(0, 15),
        ),
    ),
    unreadable=st.one_of(
        st.just(()),
        st.builds(
            lambda first, size: (Span(type="holding", first=first, last=first + size),),
            st.integers(0, 40),
            st.integers(0, 4),
        ),
    ),
)


def _overlap(one: ReadPoint, other: ReadPoint) -> bool:
    return one.type == other.type and one.address < other.end and other.address < one.end


def _touched(span: Span, address: int, end: int, kind: str) -> bool:
    return span.type == kind and span.first < end and address <= span.last


@given(points(), protocols, points(4))
def test_every_point_is_covered_exactly_once(
    wanted: list[ReadPoint], protocol: Protocol, known: list[ReadPoint]
) -> None:
    blocks = plan(wanted, protocol, known)
    assert sorted(one.name for block in blocks for one in block.points) == sorted(one.name for one in wanted)
    assert all(block.holds(one) for block in blocks for one in block.points)


@given(points(), protocols, points(4))
def test_no_read_is_too_long_or_touches_what_it_must_not(
    wanted: list[ReadPoint], protocol: Protocol, known: list[ReadPoint]
) -> None:
    for block in plan(wanted, protocol, known):
        assert block.count <= protocol.max_registers_per_read
        assert _is_legal(block, protocol, [*wanted, *known])


def _is_legal(block: Block, protocol: Protocol, documented: Sequence[ReadPoint]) -> bool:
    """The rules for one read, register by register."""
    alone = any((one.address, one.end) == (block.address, block.end) for one in block.points)
    if alone:
        return True
    if protocol.exact_read:
        return False
    if any(_touched(span, block.address, block.end, block.type) for span in protocol.unreadable):
        return False
    usable = [one for one in documented if one.type == block.type and not _forbidden(one, protocol)]
    gap = 0
    for address in range(block.address, block.end):
        is_known = any(one.address <= address < one.end for one in usable) or any(
            _touched(span, address, address + 1, block.type) for span in protocol.blocks
        )
        gap = 0 if is_known else gap + 1
        if gap > (protocol.max_gap_registers if protocol.gaps_readable else 0):
            return False
    return True


def _forbidden(one: ReadPoint, protocol: Protocol) -> bool:
    return any(_touched(span, one.address, one.end, one.type) for span in protocol.unreadable)


@given(points(6, overlapping=False), protocols)
def test_no_other_cut_needs_fewer_reads_or_registers(wanted: list[ReadPoint], protocol: Protocol) -> None:
    blocks = plan(wanted, protocol)
    assert _cost(blocks) == min(
        _cost(candidate)
        for candidate in map(_as_blocks, _partitions(wanted))
        if all(
            block.count <= protocol.max_registers_per_read and _is_legal(block, protocol, wanted)
            for block in candidate
        )
    )


def _cost(blocks: Sequence[Block]) -> tuple[int, int]:
    return len(blocks), sum(block.count for block in blocks)


def _partitions(items: Sequence[ReadPoint]) -> Iterator[list[list[ReadPoint]]]:
    """Every way to put the points into groups of one register type."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for groups in _partitions(rest):
        yield [[first], *groups]
        for place, group in enumerate(groups):
            if group[0].type == first.type:
                yield [*groups[:place], [first, *group], *groups[place + 1 :]]


def _as_blocks(groups: Sequence[Sequence[ReadPoint]]) -> list[Block]:
    blocks = []
    for group in groups:
        address = min(one.address for one in group)
        end = max(one.end for one in group)
        blocks.append(Block(group[0].type, address, end - address, tuple(group)))
    return blocks


@given(points(), protocols, points(4))
def test_points_ride_along_only_where_they_are_read_anyhow(
    wanted: list[ReadPoint], protocol: Protocol, riders: list[ReadPoint]
) -> None:
    before = plan(wanted, protocol)
    after, rest = ride_along(before, riders, protocol)
    assert [(block.address, block.count) for block in before] == [
        (block.address, block.count) for block in after
    ]
    aboard = sum(len(block.points) for block in after) - len(wanted)
    assert aboard + len(rest) == len(riders)
    assert all(block.holds(one) for block in after for one in block.points)


def test_the_bundled_profiles_need_few_reads_for_their_hot_points() -> None:
    reads = {}
    for name in profile_names():
        profile = load_profile(name)
        present = [one for one in profile.read if not one.optional and one.scope == "connector"]
        reads[name] = len(plan([one for one in present if one.poll == "hot"], profile.protocol, present))
    assert reads == {
        "abb-b23": 2,
        "alfen-eve": 3,
        "bender-cc612": 4,
        "carlo-gavazzi-em24-ethernet": 3,
        "eastron-sdm630": 2,
        "heidelberg-energy-control": 2,
        "keba-p30": 8,
        "phoenix-charx-sec": 1,
    }


def test_a_read_of_a_meter_with_even_registers_only_is_even() -> None:
    profile = load_profile("eastron-sdm630")
    for block in plan(profile.read, profile.protocol):
        assert block.address % 2 == 0
        assert block.count % 2 == 0
