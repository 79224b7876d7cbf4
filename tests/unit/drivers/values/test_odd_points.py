"""Oddities of single points: swapped bytes, text before the text, coarse steps, values that count at times only."""

from decimal import Decimal
from typing import Any

import pytest

from baywarden_drivers import ProfileError, decode, encode
from baywarden_drivers.profile import ReadPoint, WritePoint, parse_profile
from baywarden_drivers.values.value import Value
from support.made_up_meter import MADE_UP_METER
from support.served_profile import served

TEXT = (
    MADE_UP_METER
    + """
[transport.tcp]

[[read]]
name = "power"
type = "input"
address = 10
dtype = "u16"
"""
)


def read_point(**more: Any) -> ReadPoint:
    """A point of two registers with whatever is odd about it."""
    named = {"name": "p", "type": "holding", "address": 0, "count": 2, "dtype": "u32"}
    return ReadPoint.model_validate(named | more)


def write_point(**more: Any) -> WritePoint:
    """A limit in 0.1 A."""
    named = {"name": "limit", "type": "holding", "address": 0, "dtype": "u16", "scale": Decimal("0.1")}
    return WritePoint.model_validate(named | more)


@pytest.mark.parametrize(
    ("order", "registers"), [("msw_first", [0x3412, 0x7856]), ("lsw_first", [0x7856, 0x3412])]
)
def test_swapped_bytes_are_put_right_in_either_order_of_words(order: str, registers: list[int]) -> None:
    point = read_point(low_byte_first=True, word_order=order)
    assert decode(point, registers, 0).value == 0x12345678
    assert encode(point, 0x12345678) == registers


def test_swapped_bytes_of_texts_arrays_and_writes_are_put_right() -> None:
    text = read_point(dtype="string", low_byte_first=True)
    assert decode(text, [0x4241, 0x4443], 0).value == "ABCD"
    assert encode(text, "ABCD") == [0x4241, 0x4443]
    assert decode(read_point(dtype="u16", low_byte_first=True), [0x0100, 0x0200], 0).value == (1, 2)
    assert encode(write_point(low_byte_first=True), 16) == [0xA000]


def test_a_prefix_is_no_part_of_the_text() -> None:
    point = read_point(dtype="string", count=6, prefix="RFID:")
    registers = encode(point, "04A1B2")
    assert decode(read_point(dtype="string", count=6), registers, 0).value == "RFID:04A1B2"
    assert decode(point, registers, 0).value == "04A1B2"
    assert decode(point, encode(read_point(dtype="string", count=6), "04A1B2"), 0).value == "04A1B2"
    assert decode(point, encode(point, ""), 0).value == ""


@pytest.mark.parametrize(("amps", "raw"), [("6.9", 60), ("7", 70), ("15.999", 150), ("0.9", 0)])
def test_a_limit_is_rounded_down_to_the_steps_that_the_device_takes(amps: str, raw: int) -> None:
    assert encode(write_point(step=Decimal(1)), Decimal(amps)) == [raw]


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        ('prefix = "RFID:"', "cannot have a prefix"),
        ('only_when = [{ point = "stat", equals = 1 }]', "no read point is called 'stat'"),
        ("only_when = [{ point = 'power' }]", "give exactly one of"),
    ],
)
def test_oddities_that_cannot_be_are_faults(point: str, fault: str) -> None:
    with pytest.raises(ProfileError) as error:
        parse_profile(f"{TEXT}{point}\n", "acme.toml", "acme")
    assert any(fault in str(one) for one in error.value.faults)


@pytest.mark.modbus
@pytest.mark.parametrize(
    ("firmware", "power_w"), [((1, 7, 1), 40_000), ((1, 7, 2), 39_000), ((2, 0, 0), 39_000)]
)
async def test_what_counts_by_the_firmware_of_the_station_counts_so_at_every_connector(
    firmware: tuple[int, ...], power_w: int
) -> None:
    values: dict[str, Value | None] = {
        "status": 3,
        "voltage_dc": 400,
        "current_dc": 100,
        "power": 39_000,
        "firmware": firmware,
    }
    async with served("alpitronic-hypercharger", values, connector=2) as bay:
        poll = await bay.device.poll()
        while not poll["firmware"].good:
            assert not poll["power"].good, "nobody knows yet which one counts"
            poll = await bay.device.poll()
        assert (await bay.device.poll())["power"].value == power_w


@pytest.mark.modbus
@pytest.mark.parametrize(("settings", "raw"), [(0x0000, 10), (0x0080, 1050), (0x0094, 1050), (0x0014, 10)])
async def test_a_bit_of_the_settings_decides_the_resolution_of_the_limit(settings: int, raw: int) -> None:
    async with served("evse-din", {"status": 2, "settings": settings}) as bay:
        await bay.device.poll()
        await bay.device.set_current_limit(Decimal("10.5"))
        assert bay.written("set_current_limit") == raw
        assert [one.decided for one in bay.device.decisions] == [True]


@pytest.mark.modbus
async def test_a_card_counts_only_in_the_states_that_have_one() -> None:
    values: dict[str, Value | None] = {
        "status": 1,
        "evse_state": 3,
        "id_tag": "04A1B2",
        "ems_control": 0x8000,
    }
    async with served("kathrein-kwb", values) as bay:
        poll = await bay.device.poll()
        while poll["id_tag"].reason == "not read yet":
            poll = await bay.device.poll()
        assert poll["id_tag"].value == "04A1B2"
        bay.put(evse_state=1)
        assert (await bay.device.poll())["id_tag"].value is None


def test_bits_have_no_bytes_to_swap() -> None:
    with pytest.raises(ValueError, match="no bytes to swap"):
        read_point(type="coil", dtype="bool", low_byte_first=True)
