"""Every profile, whole: each point from simulated registers over a wire to its value, each state, and spoilt files."""

import random
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import product

import pytest

from baywarden_drivers import (
    Device,
    Profile,
    ProfileError,
    Quality,
    TcpLink,
    ValueRefused,
    decode,
    encode,
    load_profile,
    profile_names,
)
from baywarden_drivers.errors import DriverError
from baywarden_drivers.mono import mono_ms
from baywarden_drivers.polls.reads import Reads
from baywarden_drivers.profile import ReadPoint, parse_profile
from baywarden_drivers.profile.loader import BUNDLED
from baywarden_drivers.sunspec import COMMON, Chain, Model, resolve
from baywarden_drivers.values.derive import multiplied
from baywarden_drivers.values.status import judge_of
from baywarden_drivers.values.value import PointValue, Value
from support.told_device import ToldServer, apart, only, told_server

pytestmark = pytest.mark.modbus

NAMES = profile_names()
ROUNDS = 16
SPOILT_IN_CI = 10
SPOILT_IN_CAMPAIGN = 1000


def whole(name: str) -> Profile:
    """The profile, a SunSpec one as it is on a device with a common model and the first of its own."""
    profile = load_profile(name)
    if profile.protocol.sunspec is None:
        return profile
    meter = Model(profile.protocol.sunspec.models[0], 40_070, 124)
    return resolve(profile, Chain(40_000, (Model(COMMON, 40_002, 66), meter)))


# Every point over the wire.


def raws_of(point: ReadPoint, luck: random.Random) -> Iterator[list[int]]:
    """Registers worth a look: limits of the type and of the point, every sentinel, and any others."""
    count = point.count
    if point.type in ("coil", "discrete"):
        yield from ([one] * count for one in (0, 1))
        return
    if point.dtype == "string":
        yield [0] * count
        yield [0xFFFF] * count
        yield encode(point, "".join(luck.choices("AZaz09-./", k=count)))
        yield encode(point, "X")
        return
    yield from ([one] * count for one in (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x9999))
    yield from (encode(point, limit) for limit in (point.min, point.max) if limit is not None)
    for text in point.nan:
        raw = int(text, 0) if text != "NaN" else 0x7FC0_0000 << (16 * count - 32)
        words = [raw >> 16 * at & 0xFFFF for at in reversed(range(count))]
        yield words if point.word_order == "msw_first" else words[::-1]
    if point.dtype in ("f32", "f64"):
        for number in (230.4, -12.5, 1e-3, luck.uniform(-1e6, 1e6)):
            data = struct.pack(">f" if count == 2 else ">d", number)
            words = list(struct.unpack(f">{count}H", data))
            yield words if point.word_order == "msw_first" else words[::-1]
    else:
        for _ in range(4):
            yield [luck.randrange(0x10000) for _ in range(count)]


def truths_of(point: ReadPoint, luck: random.Random) -> list[tuple[Value | None, PointValue]]:
    """What the device may mean, and how that must read: as the registers that say it do."""
    plain = point.model_copy(
        update={"nan": (), "min": None, "max": None, "overflow_high_word": None, "prefix": ""}
    )
    found: list[tuple[Value | None, PointValue]] = []
    for raw in raws_of(point, luck):
        meant = decode(plain, raw).value
        if meant is not None:
            found.append((meant, decode(point, encode(plain, meant), 0)))
    if point.nan:
        found.append((None, decode(point, encode(point, None), 0)))
        assert found[-1][1].quality is Quality.NOT_AVAILABLE
    return found


async def rounds_of(server: ToldServer, profile: Profile, connector: int, rounds: int) -> int:
    """Say something else at all points in every round, and read it all; how many values were compared."""
    luck = random.Random(profile.name)
    compared = 0
    points = [one for one in profile.read if one.scope == "connector" or connector == 1]
    for group in apart(profile, points):
        device = server.serve(only(profile, group), connector)
        reads = Reads(profile, profile.default_unit, connector).of(group, group)
        assert sorted(name for read in reads for name in read.names()) == sorted(one.name for one in group)
        plain = [
            one.model_copy(update={"scale_point": None, "multiply_by": (), "prefix": ""}) for one in group
        ]
        device = server.serve(only(profile, plain), connector)
        choices = {one.name: truths_of(one, luck) for one in group}
        for number in range(rounds):
            told = {name: pairs[number % len(pairs)] for name, pairs in choices.items()}
            device.truths = {name: truth for name, (truth, _) in told.items()}
            got: dict[str, PointValue] = {}
            for read in reads:
                block = read.block
                registers = await server.link.read(
                    read.unit, block.type, block.address + read.shift, block.count
                )
                got.update(read.decode(registers, 0))
            for name, (truth, expected) in told.items():
                assert got[name] == expected, f"{name}: {truth!r} became {got[name]}"
                compared += 1
    return compared


@pytest.mark.parametrize("name", NAMES)
async def test_every_point_reads_over_a_wire_as_the_registers_say(name: str) -> None:
    profile = whole(name)
    async with told_server() as server:
        assert await rounds_of(server, profile, 1, ROUNDS) >= ROUNDS * len(profile.read)
        if profile.connectors.count > 1:
            assert await rounds_of(server, profile, profile.connectors.count, 1)


def test_scales_and_ratios_are_multiplied_into_every_point_that_names_them() -> None:
    seen = 0
    for name in NAMES:
        profile = load_profile(name)
        for point in profile.read:
            if point.scale_point is None and not point.multiply_by:
                continue
            factors = {one: PointValue(20, Quality.GOOD, 7) for one in point.multiply_by}
            exponent = (
                {} if point.scale_point is None else {point.scale_point: PointValue(-2, Quality.GOOD, 7)}
            )
            values = {point.name: PointValue(1234, Quality.GOOD, 7), **factors, **exponent}
            times = Decimal(20) ** len(factors) * (Decimal("0.01") if exponent else 1)
            assert multiplied(point, values) == PointValue(1234 * times, Quality.GOOD, 7)
            for missing in (*factors, *exponent):
                less = {one: value for one, value in values.items() if one != missing}
                assert multiplied(point, less).quality is Quality.MISSING
            seen += 1
    assert seen > 50


def test_a_limit_of_a_point_is_the_last_value_that_counts() -> None:
    seen = 0
    for point in (one for name in NAMES for one in load_profile(name).read):
        for limit, beyond in ((point.min, -1), (point.max, 1)):
            if limit is None or point.dtype in ("f32", "f64") or limit % point.scale:
                continue
            plain = point.model_copy(update={"min": None, "max": None})
            at = decode(point, encode(plain, limit), 0)
            assert at.value == limit or at.quality is Quality.NOT_AVAILABLE, point.name
            with suppress(ValueRefused):  # the register itself may end there
                over = decode(point, encode(plain, limit + beyond * point.scale), 0)
                assert over.quality in (Quality.INVALID, Quality.NOT_AVAILABLE), point.name
                seen += 1
    assert seen


# Every state.

CHARGERS = [name for name in NAMES if load_profile(name).status is not None]


@pytest.mark.parametrize("name", CHARGERS)
def test_every_listed_status_value_tells_a_state_or_is_listed_without_one(name: str) -> None:
    profile = load_profile(name)
    status = profile.status
    assert status is not None
    judge = judge_of(status)
    source = profile.readable[status.source]
    listed = {*map(str, source.values), *status.iec, *status.state}
    assert listed <= {*status.iec, *status.state}, "each listed value has a letter or a state"
    for raw in listed:
        meant: Value = raw if source.dtype == "string" else int(raw)
        read = decode(source, encode(source, meant), mono_ms())
        assert str(read.value) == raw
        told = judge({**nothing_else(profile), source.name: read})
        assert told.state is not None or raw not in status.state, f"{raw}: {told}"
        assert told.iec is not None or raw not in status.iec, f"{raw}: {told}"


def nothing_else(profile: Profile) -> Mapping[str, PointValue]:
    """All points at rest: zeros and empty texts."""
    return {one.name: PointValue("" if one.dtype == "string" else 0, Quality.GOOD, 0) for one in profile.read}


@pytest.mark.parametrize("name", CHARGERS)
def test_a_status_value_that_no_list_has_is_not_called_charging(name: str) -> None:
    profile = load_profile(name)
    status = profile.status
    assert status is not None
    source = profile.readable[status.source]
    strange: Value = "?9" if source.dtype == "string" else 61
    read = PointValue(strange, Quality.GOOD, 0)
    told = judge_of(status)({**nothing_else(profile), source.name: read})
    assert told.state != "charging"
    assert told.iec not in ("C", "D")


# Spoilt files.


def spoilt(text: str, luck: random.Random) -> str:
    """The file after one of the accidents that happen to files."""
    lines = text.splitlines()
    at = luck.randrange(len(lines))
    key, equals, value = lines[at].partition(" = ")
    odd = luck.choice(
        [
            "-1",
            "65536",
            "1e400",
            "nan",
            '""',
            "[]",
            "{}",
            "true",
            '"x"',
            "0.1",
            "[[1]]",
            "'\\u0000'",
            "1" * 50,
        ]
    )
    match luck.randrange(8):
        case 0:
            lines[at] = f"{key} = {odd}" if equals else odd
        case 1:
            del lines[at]
        case 2:
            lines.insert(at, luck.choice(lines))
        case 3:
            lines[at] = f"{key}x{equals}{value}"
        case 4:
            lines[at] = lines[at][: luck.randrange(len(lines[at]) + 1)]
        case 5:
            other = luck.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 6:
            place = luck.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + luck.choice("=[]{}\"'#.,\x00ä") + lines[at][place:]
        case _:
            del lines[at:]
    return "\n".join(lines)


def survives(text: str) -> bool:
    """Whether the file is a profile all the same; then a device can be made of it, and each point be decoded."""
    try:
        profile = parse_profile(text, "spoilt.toml", "spoilt")
    except ProfileError as error:
        assert error.faults
        assert all(fault.place and fault.text for fault in error.faults)
        return False
    for point in profile.read:
        for filler in (0, 0xFFFF):
            decode(point, [filler] * point.count, 0)
    with suppress(DriverError):
        Device(profile, link=TcpLink("127.0.0.1", 9))
    return True


def spoil(name: str, times: int) -> int:
    """Spoil a bundled file so many times; how often it was a profile still."""
    text = (BUNDLED / f"{name}.toml").read_text()
    luck = random.Random(f"{name} {times}")
    return sum(survives(spoilt(text, luck)) for _ in range(times))


def test_a_spoilt_file_is_told_by_its_place_and_raises_nothing_else() -> None:
    kept = sum(spoil(name, SPOILT_IN_CI) for name in NAMES)
    assert 0 < kept < len(NAMES) * SPOILT_IN_CI


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_many_spoilt_files_are_told_by_their_places(name: str) -> None:
    assert spoil(name, SPOILT_IN_CAMPAIGN) < SPOILT_IN_CAMPAIGN


def test_accidents_can_meet() -> None:
    texts = [(BUNDLED / f"{name}.toml").read_text() for name in NAMES[:3]]
    for text, seed in product(texts, range(4)):
        luck, worse = random.Random(seed), text
        for _ in range(3):
            worse = spoilt(worse, luck) or "x"
        survives(worse)
