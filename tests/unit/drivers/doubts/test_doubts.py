"""Doubts of a profile: the device decides them where it can, and it is said which choice is used and why."""

import asyncio
import subprocess
import sys

import pytest

from baywarden_drivers import LinkDown, LinkPool, NoAnswer, TcpEndpoint, open_device
from baywarden_drivers.doubts.learning import Learning
from support.doubtful_meter import fill, metering, profile_with, reached
from support.modbus_peer import Registers, TcpPeer, tcp_reply, tcp_server

pytestmark = pytest.mark.modbus
WORD_ORDER = """
[[doubt]]
name = "word_order"
text = "Two lists disagree."
decide = "plausible"
points = ["power", "frequency", "set_power_limit"]
check = [{ point = "frequency", min = 40, max = 70 }]
choice = [{ name = "msw_first" }, { name = "lsw_first", word_order = "lsw_first" }]
"""


REGISTER_TYPE = """
[[doubt]]
name = "register_type"
text = "Two programs disagree."
decide = "answers"
points = ["power", "frequency", "energy_total", "firmware"]
choice = [{ name = "input" }, { name = "holding", type = "holding" }]
"""


BLOCK = """
[[doubt]]
name = "block"
text = "Newer ones have it elsewhere."
decide = "answers"
points = ["energy_total"]
choice = [{ name = "old" }, { name = "new", shift = 1000 }]
"""


BY_VERSION = """
[[doubt]]
name = "energy_scale"
text = "It was changed."
decide = "rule"
points = ["energy_total"]
choice = [
  { name = "tenths" },
  { name = "whole", scale = 1, when = [{ point = "firmware", below = [5, 22] }] },
]
"""


OPEN = """
[[doubt]]
name = "sign"
text = "Compare with a known load."
decide = "never"
"""


def with_words_swapped(registers: Registers, *addresses: int) -> Registers:
    """The two registers at each of these places the other way round."""
    cells = registers.cells[1]
    for at in addresses:
        cells["input", at], cells["input", at + 1] = cells["input", at + 1], cells["input", at]
    return registers


async def test_the_word_order_is_decided_by_the_frequency_before_the_first_values() -> None:
    async with reached(with_words_swapped(metering(), 10, 20)) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(WORD_ORDER))
        poll = await device.poll()
        assert poll["power"].value == 1500
        assert poll["frequency"].value == 50
        (said,) = device.decisions
        assert said.decided
        assert str(said) == (
            "word order: lsw_first, because frequency reads 50 Hz; msw_first would read 2.3777e-41 Hz"
        )
        assert device.profile.writable["set_power_limit"].word_order == "lsw_first"
        assert (await device.identify()).decisions == (said,)


async def test_the_first_choice_is_kept_where_it_is_the_plausible_one() -> None:
    async with reached(metering()) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(WORD_ORDER))
        assert (await device.poll())["power"].value == 1500
        assert device.decisions[0].choice == "msw_first"
        assert device.decisions[0].decided


async def test_what_cannot_be_decided_uses_the_first_choice_and_says_so() -> None:
    async with reached(metering(frequency=0)) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(WORD_ORDER))
        assert (await device.poll())["power"].value == 1500
        (said,) = device.decisions
        assert not said.decided
        assert "not decided, msw_first is used: no choice is plausible: msw_first reads 0 Hz" in str(said)


async def test_two_choices_that_are_both_plausible_decide_nothing() -> None:
    swapped_alike = b"\x42\x48\x42\x48"  # 50.07 Hz in either order of the words
    registers = metering()
    registers.set(1, "input", 20, *(int.from_bytes(swapped_alike[at : at + 2]) for at in (0, 2)))
    async with reached(registers) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(WORD_ORDER))
        await device.poll()
        (decision,) = device.decisions
    assert (decision.choice, decision.decided) == ("msw_first", False)
    assert "more than one choice is plausible" in decision.why


async def test_what_is_open_is_looked_at_again_until_the_device_decides_it() -> None:
    registers = with_words_swapped(metering(frequency=0), 10)
    async with reached(registers) as (pool, endpoint):
        learning = Learning(profile_with(WORD_ORDER), pool.link(endpoint), 1, look_again_s=0)
        assert await learning.at_contact() == []
        assert await learning.slowly({}) == []
        assert learning.is_waiting
        fill(registers, profile_with(), frequency=50)
        with_words_swapped(registers, 20)
        sentences = await learning.slowly({})
        assert sentences is not None
        assert (
            "until now msw_first was used, so these values change at once: power, frequency" in sentences[0]
        )
        assert learning.profile.readable["power"].word_order == "lsw_first"
        assert not learning.is_waiting


async def test_a_decision_stays_when_a_later_look_tells_nothing() -> None:
    registers = with_words_swapped(metering(), 10, 20)
    async with reached(registers) as (pool, endpoint):
        learning = Learning(profile_with(WORD_ORDER), pool.link(endpoint), 1)
        await learning.at_contact()
        fill(registers, profile_with(), frequency=0)
        assert await learning.at_contact() == []
        assert learning.profile.readable["power"].word_order == "lsw_first"
        assert learning.decisions[0].decided


async def test_a_decision_that_turns_at_a_new_contact_is_told_and_the_values_are_read_anew() -> None:
    async with LinkPool() as pool:
        async with tcp_server(metering()) as port:
            device = open_device(pool, TcpEndpoint("127.0.0.1", port), profile_with(WORD_ORDER))
            first = await device.poll()
        async with (
            tcp_server(with_words_swapped(metering(power=1600), 10, 20), port=port),
            asyncio.timeout(10),
        ):
            while True:
                try:
                    second = await device.poll()
                    break
                except (LinkDown, NoAnswer):
                    await asyncio.sleep(0.05)
    assert (first["power"].value, second["power"].value) == (1500, 1600)
    assert any("until now msw_first was used" in fault for fault in second.faults)
    assert second.contact > first.contact


async def test_the_registers_that_the_device_serves_are_used() -> None:
    registers = metering()
    registers.cells[1] = {("holding", at): value for (_, at), value in registers.cells[1].items()}
    async with reached(registers) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(REGISTER_TYPE))
        assert (await device.poll())["power"].value == 1500
        assert str(device.decisions[0]) == (
            "register type: holding, because the device serves power there; "
            "power as input is refused with exception 2"
        )


async def test_of_two_served_choices_the_first_is_used() -> None:
    registers = metering()
    registers.set(1, "input", 1030, 0, 1)
    async with reached(registers) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(BLOCK))
        assert (await device.poll())["energy_total"].value == 7000
        assert device.decisions[0].choice == "old"


async def test_a_refusal_that_may_pass_decides_nothing() -> None:
    registers = metering()
    registers.set(1, "input", 1030, 0, 1)
    registers.refuse = {30: 6, 31: 6}
    async with reached(registers) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(BLOCK))
        await device.poll()
        assert not device.decisions[0].decided
        assert "exception 6, which may pass" in device.decisions[0].why


async def test_a_choice_that_stays_unanswered_is_given_up_when_others_are_answered() -> None:
    """It does not answer function 4 at all."""
    cells = metering().cells[1]

    def script(request: bytes) -> list[tuple[float, bytes]]:
        address, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
        values = [cells.get(("input", at), 0) for at in range(address, address + count)]
        return [(0.0, tcp_reply(request, *values))] if request[7] == 3 else []

    async with TcpPeer(script) as peer, LinkPool() as pool:
        link = pool.link(TcpEndpoint("127.0.0.1", peer.port))
        learning = Learning(profile_with(REGISTER_TYPE, timeout_ms=200), link, 1)
        open_device(pool, TcpEndpoint("127.0.0.1", peer.port), profile_with(timeout_ms=200))
        for _ in range(2):
            with pytest.raises(NoAnswer):
                await learning.at_contact()
        await learning.at_contact()
        assert learning.profile.readable["power"].type == "holding"
        assert "is not answered" in learning.decisions[0].why


@pytest.mark.parametrize(
    ("firmware", "choice", "energy_wh"), [("5.9.2", "whole", 70_000), ("5.22", "tenths", 7000)]
)
async def test_a_version_decides(firmware: str, choice: str, energy_wh: int) -> None:
    async with reached(metering(firmware=firmware)) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(BY_VERSION))
        assert (await device.poll())["energy_total"].value == energy_wh
        assert str(device.decisions[0]) == f"energy scale: {choice}, because firmware is '{firmware}'"


async def test_a_version_that_cannot_be_read_decides_nothing() -> None:
    registers = metering()
    registers.refuse = {40: 2}
    async with reached(registers) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(BY_VERSION))
        assert (await device.poll())["energy_total"].value == 7000
        assert not device.decisions[0].decided
        assert "exception 2" in device.decisions[0].why


async def test_what_no_register_can_decide_stays_open_in_words() -> None:
    async with reached(metering()) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with(OPEN))
        await device.poll()
        assert [str(one) for one in device.decisions] == ["sign: Compare with a known load."]


async def test_a_profile_without_doubts_has_nothing_to_say() -> None:
    async with reached(metering()) as (pool, endpoint):
        device = open_device(pool, endpoint, profile_with())
        await device.poll()
        assert device.decisions == ()


def test_nothing_is_loaded_for_a_profile_that_leaves_nothing_open() -> None:
    """The daemon pays for what it has."""
    code = """
import sys
from baywarden_drivers import Device, TcpLink, load_profile
Device(load_profile("{}"), link=TcpLink("127.0.0.1", 9))
print(sorted(one for one in sys.modules if one.endswith((".learning", ".sunspec", ".doubt", ".growth"))))
"""
    for name, loaded in (("keba-p30", 0), ("sunspec-meter", 4)):
        found = subprocess.run(
            [sys.executable, "-c", code.format(name)], capture_output=True, text=True, check=True, timeout=60
        )
        assert found.stdout.count("baywarden_drivers.") == loaded, found.stdout
