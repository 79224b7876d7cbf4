"""Laws of the block planner, and comparisons with trying every way to cut."""

from collections.abc import Iterator, Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baywarden_drivers import Block, load_profile, plan, profile_names
from baywarden_drivers.links import RtuOverTcpLink, SerialLink, TcpLink
from baywarden_drivers.polls.costs import ON_NETWORK, Costs
from baywarden_drivers.polls.planner import ride_along
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


def spans(kinds: Sequence[str], most_first: int, most_size: int) -> st.SearchStrategy[tuple[Span, ...]]:
    """One span of registers, or of bits."""
    return st.builds(
        lambda kind, first, size: (Span(type=kind, first=first, last=first + size),),
        st.sampled_from(kinds),
        st.integers(0, most_first),
        st.integers(0, most_size),
    )


protocols = st.builds(
    Protocol,
    max_registers_per_read=st.integers(4, 24),
    gaps_readable=st.booleans(),
    max_gap_registers=st.integers(0, 12),
    exact_read=st.booleans(),
    blocks=st.one_of(
        st.just(()),
        spans(["holding"], 30, 15),
    ),
    unreadable=st.one_of(
        st.just(()),
        spans(["holding"], 40, 4),
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


# Time on the wire.


@st.composite
def bits_and_registers(draw: st.DrawFn, protocol: Protocol) -> list[ReadPoint]:
    """A few points of all kinds that the protocol allows."""
    step = 2 if protocol.start_even else 1
    made = []
    for number in range(draw(st.integers(1, 5))):
        address = step * draw(st.integers(0, 100 // step))
        if draw(st.booleans()):
            count = draw(st.sampled_from([2, 4] if protocol.count_even else [1, 2, 4]))
            made.append(point(number, address, count, draw(st.sampled_from(["holding", "input"]))))
        else:
            count = draw(st.integers(1, 6)) * (2 if protocol.count_even else 1)
            made.append(bit_point(number, address, count))
    return made


def bit_point(number: int, address: int, count: int) -> ReadPoint:
    """Coils somewhere."""
    return ReadPoint.model_validate(
        {"name": f"p{number}", "type": "coil", "address": address, "count": count, "dtype": "bool"}
    )


even_or_not = st.booleans().flatmap(lambda even: st.tuples(st.just(even), st.booleans()))
habits = st.builds(
    lambda base, even, bits: base.model_copy(
        update={"start_even": even[0], "count_even": even[1], "max_bits_per_read": bits}
    ),
    st.builds(
        Protocol,
        max_registers_per_read=st.integers(4, 60),
        gaps_readable=st.booleans(),
        max_gap_registers=st.integers(0, 60),
        exact_read=st.booleans(),
        blocks=st.one_of(
            st.just(()),
            spans(["holding", "coil"], 80, 40),
        ),
        unreadable=st.one_of(
            st.just(()),
            spans(["holding", "coil"], 90, 6),
        ),
    ),
    even_or_not,
    st.integers(12, 60),
)
wires = st.one_of(
    st.just(ON_NETWORK),
    st.builds(
        lambda baud, bits: Costs.on_serial(bits / baud, max(3.5 * bits / baud, 0.00175)),
        st.sampled_from([1200, 9600, 19200, 115200]),
        st.sampled_from([10, 11]),
    ),
    st.builds(Costs, st.floats(0, 60)),
)


@given(st.data(), habits, wires)
def test_no_other_cut_takes_less_time_of_the_wire(
    data: st.DataObject, protocol: Protocol, wire: Costs
) -> None:
    wanted = data.draw(bits_and_registers(protocol))
    blocks = plan(wanted, protocol, costs=wire)
    assert sorted(one.name for block in blocks for one in block.points) == sorted(one.name for one in wanted)
    assert all(_fits(block, protocol) and _is_legal(block, protocol, wanted) for block in blocks)
    least = min(
        sum(_chars(block, wire) for block in candidate)
        for candidate in map(_as_blocks, _partitions(wanted))
        if all(_fits(block, protocol) and _is_legal(block, protocol, wanted) for block in candidate)
    )
    assert sum(_chars(block, wire) for block in blocks) <= least + 1e-6
    if protocol.start_even and protocol.count_even:
        assert all(block.address % 2 == 0 and block.count % 2 == 0 for block in blocks)


def _fits(block: Block, protocol: Protocol) -> bool:
    """Short enough, and nothing rides on a read that must be of one point only."""
    is_shared = any((one.address, one.end) != (block.address, block.end) for one in block.points)
    if is_shared and (protocol.exact_read or any(_forbidden(one, protocol) for one in block.points)):
        return False
    limit = protocol.max_bits_per_read if block.type == "coil" else protocol.max_registers_per_read
    return block.count <= limit


def _chars(block: Block, wire: Costs) -> float:
    """Counted anew: 8 + 5 characters of frames, two silences and the turnaround are in `read_chars`."""
    return wire.read_chars + (-(-block.count // 8) if block.type == "coil" else 2 * block.count)


@pytest.mark.parametrize(
    ("baud", "parity", "stop_bits", "worth"),
    [(9600, "E", 1, 14), (9600, "N", 2, 14), (9600, "N", 1, 14), (115200, "E", 1, 77), (115200, "N", 2, 77)],
)
def test_a_hole_is_read_across_as_long_as_that_is_quicker(
    baud: int, parity: Literal["N", "E"], stop_bits: Literal[1, 2], worth: int
) -> None:
    costs = SerialLink("nowhere", baud, parity, stop_bits).costs
    protocol = Protocol(gaps_readable=True)
    for hole, reads in ((worth, 1), (worth + 1, 2)):
        pair = [point(1, 0, 1), point(2, 1 + hole, 1)]
        assert len(plan(pair, protocol, costs=costs)) == reads
        assert len(plan(pair, protocol)) == 1


def test_over_a_network_the_fewest_reads_win_and_an_unknown_line_behind_a_gateway_is_a_slow_one() -> None:
    protocol = Protocol(gaps_readable=True)
    pair = [point(1, 0, 1), point(2, 124, 1)]
    assert len(plan(pair, protocol, costs=TcpLink("127.0.0.1").costs)) == 1
    assert len(plan(pair, protocol, costs=RtuOverTcpLink("127.0.0.1").costs)) == 2


def test_the_bundled_profiles_need_few_reads_for_their_hot_points() -> None:
    reads = {}
    for name in profile_names():
        profile = load_profile(name)
        present = [one for one in profile.read if not one.optional and one.scope == "connector"]
        hot = [one for one in present if one.poll == "hot"]
        reads[name] = len(plan(hot, profile.protocol, present))
        assert reads[name] <= len(hot)
    assert (
        reads
        | {
            "abb-b23": 2,
            "alfen-eve": 3,
            "bender-cc612": 4,
            "carlo-gavazzi-em24-ethernet": 3,
            "eastron-sdm630": 2,
            "heidelberg-energy-control": 2,
            "keba-p30": 8,
            "phoenix-charx-sec": 1,
        }
        == reads
    )


def test_a_read_of_a_meter_with_even_registers_only_is_even() -> None:
    profile = load_profile("eastron-sdm630")
    for block in plan(profile.read, profile.protocol):
        assert block.address % 2 == 0
        assert block.count % 2 == 0
