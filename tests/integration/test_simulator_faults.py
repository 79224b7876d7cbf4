"""Each fault does what it says, over TCP and over a serial pair, seen by bytes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus.framer.rtu import FramerRTU

from baywarden_drivers.simulator import FaultKind, HandClock, Simulation, parse_site_data
from support.serial_pair import SerialPair

PATIENCE_S = 10.0
SILENCE_S = 0.3
UNIT = 3
VOLTAGE, VERSION = 10, 4
"""Input registers of the box that is asked."""

pytestmark = pytest.mark.modbus


class Asker:
    """The bytes of one connection, on TCP or on a serial line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, serial: bool) -> None:
        self.reader, self.writer, self.serial = reader, writer, serial
        self._transaction = 0

    def ask(self, address: int, count: int = 1) -> int:
        """Send a read of input registers; the number of its transaction."""
        self._transaction += 1
        pdu = bytes([4]) + address.to_bytes(2, "big") + count.to_bytes(2, "big")
        self.writer.write(self._frame(pdu))
        return self._transaction

    def write(self, address: int, value: int) -> None:
        """Send a write of one holding register."""
        self._transaction += 1
        self.writer.write(self._frame(bytes([6]) + address.to_bytes(2, "big") + value.to_bytes(2, "big")))

    def _frame(self, pdu: bytes) -> bytes:
        body = bytes([UNIT]) + pdu
        if self.serial:
            return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")
        return self._transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body

    @property
    def answer_bytes(self) -> int:
        """The length of an answer with one register."""
        return 7 if self.serial else 11

    async def answer(self) -> bytes:
        """An answer with one register, as it came."""
        return await asyncio.wait_for(self.reader.readexactly(self.answer_bytes), PATIENCE_S)

    async def register(self) -> int:
        """The register of an answer."""
        return self.register_of(await self.answer())

    def register_of(self, answer: bytes) -> int:
        return int.from_bytes(answer[3:5] if self.serial else answer[9:11], "big")

    async def silence(self) -> bool:
        """Whether nothing comes for a while."""
        try:
            await asyncio.wait_for(self.reader.read(1), SILENCE_S)
        except TimeoutError:
            return True
        return False


class Wire:
    """A box on a wire, and whoever asks it."""

    def __init__(
        self, simulation: Simulation, clock: HandClock, connect: Callable[[], Awaitable[Asker]]
    ) -> None:
        self.simulation, self.clock, self.connect = simulation, clock, connect

    def order(self, kind: str, **settings: Any) -> None:
        self.simulation.do({"do": kind, "device": "box", **settings})


@asynccontextmanager
async def wire_of(kind: str, folder: Path) -> AsyncIterator[Wire]:
    """A box behind TCP, or behind one end of a serial pair."""
    asked: list[Asker] = []
    with SerialPair(folder / "pair") as pair:
        where: dict[str, Any] = {"tcp": 0} if kind == "tcp" else {"serial": str(pair.left)}
        box = {"name": "box", "profile": "heidelberg-energy-control", "listener": "wire", "outlets": ["a1"]}
        site = {
            "listener": [{"name": "wire", **where}],
            "charger": [{**box, "unit": UNIT, "failsafe_timeout_s": 0}],
        }
        clock = HandClock()
        async with Simulation(parse_site_data(site), clock=clock) as simulation:

            async def connect() -> Asker:
                if kind == "tcp":
                    streams = await asyncio.open_connection("127.0.0.1", simulation.port("wire"))
                    asked.append(Asker(*streams, serial=False))
                else:
                    asked.append(await serial_asker(pair.right))
                return asked[-1]

            yield Wire(simulation, clock, connect)
            for one in asked:
                one.writer.close()


async def serial_asker(path: Path) -> Asker:
    """The other end of the line as streams."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    file = path.open("r+b", buffering=0)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), path.open("r+b", buffering=0)
    )
    return Asker(reader, asyncio.StreamWriter(transport, protocol, reader, loop), serial=True)


@pytest.fixture(params=["tcp", pytest.param("serial", marks=pytest.mark.serial)])
async def wire(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Wire]:
    async with wire_of(request.param, tmp_path) as wire:
        yield wire


async def test_without_a_fault_the_answer_is_the_truth(wire: Wire) -> None:
    asker = await wire.connect()
    asker.ask(VERSION)
    assert await asker.register() == 0x0108


@pytest.mark.parametrize("kind", ["silence", "mute"])
async def test_silence_lasts_as_long_as_was_asked(wire: Wire, kind: str) -> None:
    asker = await wire.connect()
    wire.order(kind, **{"for": "1min"})
    asker.ask(VERSION)
    assert await asker.silence()
    wire.clock.advance(61)
    asker.ask(VERSION)
    assert await asker.register() == 0x0108


async def test_a_mute_device_obeys_and_a_deaf_one_only_answers(wire: Wire) -> None:
    asker = await wire.connect()
    wire.order("mute", times=1)
    asker.write(261, 80)
    assert await asker.silence()
    assert wire.simulation.outlet("a1").allowance.written_a == 8
    wire.order("ignore_writes")
    asker.write(261, 100)
    length = 8 if asker.serial else 12
    assert await asyncio.wait_for(asker.reader.readexactly(length), PATIENCE_S)
    assert wire.simulation.outlet("a1").allowance.written_a == 8


async def test_a_delay_is_at_least_as_long_as_was_asked(wire: Wire) -> None:
    asker = await wire.connect()
    wire.order("delay", value="250ms")
    began_s = time.monotonic()
    asker.ask(VERSION)
    assert await asker.register() == 0x0108
    assert time.monotonic() - began_s >= 0.25


async def test_a_late_answer_comes_after_the_next_request_and_before_its_answer(wire: Wire) -> None:
    asker = await wire.connect()
    wire.order("late", times=1)
    asker.ask(VOLTAGE)
    assert await asker.silence()
    asker.ask(VERSION)
    late, own = await asker.register(), await asker.register()
    assert late in (229, 230)
    assert own == 0x0108


async def test_a_late_answer_may_come_after_the_answer_to_the_next_request(wire: Wire) -> None:
    asker = await wire.connect()
    wire.order("late", value="300ms", times=1)
    asker.ask(VOLTAGE)
    assert await asker.silence()
    asker.ask(VERSION)
    own, late = await asker.register(), await asker.register()
    assert own == 0x0108
    assert late in (229, 230)


async def test_bits_arrive_wrong_at_the_rate_that_was_asked(wire: Wire) -> None:
    asker = await wire.connect()
    asker.ask(VERSION)
    right = await asker.answer()
    wire.order("bits", value="1%")
    wrong = total = 0
    for _ in range(150):
        asker.ask(VERSION)
        told = await asker.answer()
        pairs = zip(right[0 if asker.serial else 2 :], told[0 if asker.serial else 2 :], strict=True)
        wrong += sum((one ^ other).bit_count() for one, other in pairs)
        total += 8 * len(told)
    assert 0.004 < wrong / total < 0.02


async def test_an_exception_is_the_code_that_was_ordered(wire: Wire) -> None:
    asker = await wire.connect()
    wire.order("exception", value=6)
    asker.ask(VERSION)
    length = 5 if asker.serial else 9
    told = await asyncio.wait_for(asker.reader.readexactly(length), PATIENCE_S)
    assert (told[1:3] if asker.serial else told[7:9]) == bytes([0x84, 6])


async def test_an_answer_can_come_in_part_or_twice_or_byte_by_byte(wire: Wire) -> None:
    asker = await wire.connect()
    wire.order("cut", times=1)
    asker.ask(VERSION)
    half = await asyncio.wait_for(asker.reader.readexactly(asker.answer_bytes // 2), PATIENCE_S)
    assert len(half) == asker.answer_bytes // 2
    assert await asker.silence()
    wire.order("duplicate", times=1)
    asker.ask(VERSION)
    assert await asker.answer() == await asker.answer()
    wire.order("slow", value="20ms", times=1)
    began_s = time.monotonic()
    asker.ask(VERSION)
    assert await asker.register() == 0x0108
    assert time.monotonic() - began_s >= 0.02 * (asker.answer_bytes - 1)


async def test_a_device_that_hangs_up_does_so_on_tcp_and_is_silent_on_a_line(wire: Wire) -> None:
    asker = await wire.connect()
    wire.order("hang_up", times=1)
    asker.ask(VERSION)
    if asker.serial:
        assert await asker.silence()
    else:
        assert await asyncio.wait_for(asker.reader.read(1), PATIENCE_S) == b""
        asker = await wire.connect()
    asker.ask(VERSION)
    assert await asker.register() == 0x0108


async def test_some_requests_are_struck_and_the_others_are_not(wire: Wire) -> None:
    asker = await wire.connect()
    wire.order("exception", value=4, share="50%")
    refused = 0
    for _ in range(60):
        asker.ask(VERSION)
        head = await asyncio.wait_for(asker.reader.readexactly(5 if asker.serial else 9), PATIENCE_S)
        is_refused = bool(head[1 if asker.serial else 7] & 0x80)
        refused += is_refused
        if not is_refused:
            await asyncio.wait_for(asker.reader.readexactly(2), PATIENCE_S)
    assert 10 < refused < 50


async def test_two_requests_in_one_piece_are_both_answered(tmp_path: Path) -> None:
    async with wire_of("tcp", tmp_path) as wire:
        asker = await wire.connect()
        asker.ask(VOLTAGE)
        asker.ask(VERSION)
        assert await asker.register() in (229, 230)
        assert await asker.register() == 0x0108


async def test_a_request_in_two_pieces_is_one(tmp_path: Path) -> None:
    async with wire_of("tcp", tmp_path) as wire:
        asker = await wire.connect()
        request = bytes.fromhex("0009 0000 0006 03 04 0004 0001".replace(" ", ""))
        for piece in (request[:5], request[5:]):
            asker.writer.write(piece)
            await asker.writer.drain()
            await asyncio.sleep(0.02)
        assert await asker.register() == 0x0108


@pytest.mark.serial
async def test_noise_on_a_line_does_not_hide_the_next_request(tmp_path: Path) -> None:
    async with wire_of("serial", tmp_path) as wire:
        asker = await wire.connect()
        asker.writer.write(bytes.fromhex("03040004"))
        assert await asker.silence()
        asker.ask(VERSION)
        assert await asker.register() == 0x0108


async def test_a_unit_that_closes_the_connection_on_a_register_does_so_there_only(tmp_path: Path) -> None:
    box = {"name": "box", "profile": "heidelberg-energy-control", "listener": "wire", "outlets": ["a1"]}
    site = {
        "listener": [{"name": "wire", "tcp": 0}],
        "charger": [{**box, "unit": UNIT, "closes_on": [VOLTAGE]}],
    }
    async with Simulation(parse_site_data(site), clock=HandClock()) as simulation:
        reader, writer = await asyncio.open_connection("127.0.0.1", simulation.port("wire"))
        asker = Asker(reader, writer, serial=False)
        asker.ask(VERSION)
        assert await asker.register() == 0x0108
        asker.ask(VOLTAGE)
        assert await asyncio.wait_for(reader.read(1), PATIENCE_S) == b""
        writer.close()


async def test_disconnecting_a_wire_breaks_it_and_it_comes_back(tmp_path: Path) -> None:
    async with wire_of("tcp", tmp_path) as wire:
        asker = await wire.connect()
        wire.simulation.do({"do": "disconnect", "listener": "wire", "for": "1min"})
        assert await asyncio.wait_for(asker.reader.read(1), PATIENCE_S) == b""
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await wire.connect()
        wire.clock.advance(61)
        assert FaultKind.SILENCE not in wire.simulation.device("box").faults.active
        for _ in range(200):
            try:
                asker = await wire.connect()
                break
            except OSError:
                await asyncio.sleep(0.05)
        asker.ask(VERSION)
        assert await asker.register() == 0x0108
