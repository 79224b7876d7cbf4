"""While it is open what a limit means, no number that is written means more than was wanted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from baywarden_drivers import LinkPool, ProfileError, TcpEndpoint, ValueRefused, encode, load_profile
from baywarden_drivers.doubts.doubt import with_choice
from baywarden_drivers.doubts.learning import Learning
from baywarden_drivers.profile import parse_profile
from baywarden_drivers.profile.caution import is_limit, twins
from baywarden_drivers.profile.loader import BUNDLED, profile_names
from baywarden_drivers.values.value import Value
from baywarden_drivers.writes.cautious import sure
from baywarden_drivers.writes.wording import as_number
from support.modbus_peer import Registers, tcp_server
from support.served_profile import blank, served

BOX = "siemens-versicharge-gen3"
"""One program writes its limit in A, another one in 0.01 A."""
ORDERED = "mennekes-amtron-compact-2"
"""The word order of its limit shows in its voltage."""

IN_DOUBT = [
    (name, doubt.name)
    for name in profile_names()
    for profile in [load_profile(name)]
    for doubt in profile.doubt
    if doubt.choice
    and any(is_limit(profile.writable[one]) for one in doubt.points if one in profile.writable)
]


LIMIT_AT = 1633


@asynccontextmanager
async def learning_of(name: str, *, limit: int) -> AsyncIterator[tuple[Learning, Registers]]:
    """What is learned of a device whose register of the limit holds this."""
    profile = load_profile(name)
    registers = blank(profile)
    registers.set(profile.default_unit, "holding", LIMIT_AT, limit)
    async with tcp_server(registers) as port, LinkPool() as pool:
        link = pool.link(TcpEndpoint("127.0.0.1", port))
        yield Learning(profile, link, profile.default_unit), registers


def said(learning: Learning) -> str:
    """What is known of the scale."""
    return next(str(one) for one in learning.decisions if one.name == "limit_scale")


def test_there_are_limits_in_doubt() -> None:
    assert {(BOX, "limit_scale"), (ORDERED, "word_order"), ("evse-din", "resolution")} <= set(IN_DOUBT)


@pytest.mark.parametrize(("name", "doubt_name"), IN_DOUBT)
@pytest.mark.parametrize("wanted_a", [6, Decimal("6.5"), 7, 10, Decimal("13.33"), 16, 20, 32])
def test_what_is_written_while_nothing_is_decided_is_at_most_the_wanted_under_every_choice(
    name: str, doubt_name: str, wanted_a: Decimal
) -> None:
    profile = load_profile(name)
    doubt = next(one for one in profile.doubt if one.name == doubt_name)
    views = [with_choice(profile, doubt, choice) for choice in doubt.choice]
    for limit in doubt.points:
        if limit not in profile.writable or not is_limit(profile.writable[limit]):
            continue
        variants = [view.writable[limit] for view in views]
        wanted = Decimal(wanted_a) * (700 if variants[0].unit == "W" else 1)
        has_layouts = len({(one.word_order, one.low_byte_first) for one in variants}) > 1
        number = sure(variants, wanted) if has_layouts else wanted
        if number is None:
            continue  # it is not written at all
        registers = encode(variants[0], number)
        assert all(as_number(one, registers) <= wanted for one in variants)
        for twin in twins(profile, profile.writable[limit]):
            first = views[0].readable[twin.name]
            assert as_number(first, registers) == max(
                as_number(v.readable[twin.name], registers) for v in views
            )


def test_a_scale_that_is_dangerous_while_it_is_open_is_a_fault_of_the_profile() -> None:
    text = (BUNDLED / f"{BOX}.toml").read_text()
    first, second = '{ name = "A", scale = 1 },', '{ name = "0.01 A", scale = 0.01 },'
    swapped = text.replace(first, "?").replace(second, first).replace("?", second)
    assert swapped != text
    with pytest.raises(ProfileError, match="put that with the largest scale of set_current_limit first"):
        parse_profile(swapped, "box.toml", "box")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('point = "voltage_l1", min = 90, max = 300', 'point = "limit_modbus", min = 6, max = 32',
         "limit_modbus shows what was written to set_current_limit: check another point"),
        ('"limit_feedback", "downgrade_current", "limit_modbus",', '"limit_feedback",',
         "limit_modbus is the same register as set_current_limit: put it there too"),
        ('name = "6.01 A", min = 6.01', 'name = "5 A", min = 5', "the largest min of set_current_limit first"),
        ('decide = "plausible"', 'decide = "never"', "set_current_limit could never be written"),
    ],
)  # fmt: skip
def test_an_order_that_our_own_writing_would_prove_is_a_fault_of_the_profile(
    old: str, new: str, fault: str
) -> None:
    text = (BUNDLED / f"{ORDERED}.toml").read_text()
    assert text.count(old) == 1
    with pytest.raises(ProfileError, match=fault):
        parse_profile(text.replace(old, new), "box.toml", "box")


@pytest.mark.modbus
async def test_in_doubt_the_number_of_the_largest_scale_is_written() -> None:
    async with served(BOX) as site:
        await site.device.poll()
        assert await site.device.set_current_limit(16) == 16
        assert site.written("set_current_limit") == 16, "16 A or 0.16 A, never 1600 A"


@pytest.mark.modbus
async def test_our_own_number_in_the_register_proves_no_scale() -> None:
    async with learning_of(BOX, limit=16) as (learning, _):
        await learning.at_contact()
        assert "not decided, A is used" in said(learning)
        assert "limit_modbus may be our own writing" in said(learning), "of an earlier run"


@pytest.mark.modbus
async def test_a_number_that_we_would_not_write_in_doubt_proves_the_scale_before_we_write() -> None:
    async with served(BOX) as site:
        site.registers.set(site.profile.default_unit, "holding", LIMIT_AT, 1600)
        poll = await site.device.poll()
        assert poll["limit_modbus"].value == 16
        assert "limit scale: 0.01 A, because limit_modbus reads 16.00 A; A would read 1600 A" in [
            str(one) for one in site.device.decisions
        ]
        await site.device.set_current_limit(10)
        assert site.written("set_current_limit") == 1000


@pytest.mark.modbus
async def test_a_number_that_appears_after_we_wrote_proves_nothing() -> None:
    async with learning_of(BOX, limit=0) as (learning, registers):
        await learning.at_contact()
        learning.wrote(["set_current_limit"])
        registers.set(2, "holding", LIMIT_AT, 1600)
        await learning.at_contact()
        assert "not decided, A is used" in said(learning)
        assert "limit_modbus was written by us meanwhile" in said(learning)


@pytest.mark.modbus
async def test_a_smaller_scale_is_given_up_when_the_register_speaks_against_it() -> None:
    async with learning_of(BOX, limit=3200) as (learning, registers):
        await learning.at_contact()
        assert learning.profile.writable["set_current_limit"].scale == Decimal("0.01")
        registers.set(2, "holding", LIMIT_AT, 0)
        assert await learning.at_contact() == [], "a limit of 0 speaks against nothing"
        registers.set(2, "holding", LIMIT_AT, 16)
        sentences = await learning.at_contact()
        assert "until now 0.01 A was used" in sentences[0]
        assert "not decided, A is used" in said(learning)


@pytest.mark.modbus
async def test_while_the_word_order_is_open_a_limit_has_equal_words() -> None:
    values: dict[str, Value | None] = {"voltage_l1": 0, "release": 1}
    async with served(ORDERED, values) as site:
        await site.device.poll()
        shown_a = await site.device.set_current_limit(16)
        point = site.profile.writable["set_current_limit"]
        words = [site.registers.get(50, "holding", point.address + place) for place in (0, 1)]
        assert words[0] == words[1]
        assert Decimal("15.9") < shown_a <= 16


@pytest.mark.modbus
async def test_where_no_number_is_sure_nothing_is_written_and_it_is_said_why() -> None:
    async with served("go-e-charger", {"voltage_l1": 0}) as site:
        await site.device.poll()
        with pytest.raises(
            ValueRefused, match="set_current_limit is not written before this is decided: order"
        ):
            await site.device.set_current_limit(16)
        assert site.registers.writes() == []
    async with served("go-e-charger", {"voltage_l1": 230}) as site:
        await site.device.set_current_limit(16)
        assert site.written("set_current_limit") == 16
