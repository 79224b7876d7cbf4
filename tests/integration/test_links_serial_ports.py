"""Serial ports: their names, their claims, adapters that are pulled, and the silence between frames."""

import asyncio
import fcntl
import itertools
import os
import termios
import time
import tty
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from baywarden_drivers import Garbled, LinkDown, NoAnswer, SerialLink
from baywarden_drivers.links.serial import claim
from support.line_of_slaves import slaves
from support.modbus_peer import PtyPeer, Reply, rtu_reply
from support.opened_links import QUICK, opened, patiently
from support.rough_slave import expected


@pytest.mark.serial
async def test_no_request_goes_out_within_the_silence_after_an_answer() -> None:
    def prompt(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, 1)

    moments: list[tuple[str, float]] = []
    async with PtyPeer(prompt) as peer, opened(SerialLink(peer.path, 1200)) as link:
        link.trace(lambda direction, _: moments.append((direction, time.monotonic())))
        for _ in range(4):
            await link.read(1, "holding", 1, 1)
    gaps = [
        later - earlier
        for (before, earlier), (after, later) in itertools.pairwise(moments)
        if (before, after) == ("received", "sent")
    ]
    assert len(gaps) == 3
    assert min(gaps) >= 3.5 * 10 / 1200 - 0.001


@pytest.mark.serial
async def test_a_serial_port_is_not_shared() -> None:
    def prompt(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, 1)

    async with PtyPeer(prompt) as peer, opened(SerialLink(peer.path, 115200)) as link:
        await link.read(1, "holding", 1, 1)
        async with opened(SerialLink(peer.path, 115200)) as second:
            with pytest.raises(LinkDown, match="lock"):
                await second.read(1, "holding", 1, 1)


@pytest.mark.serial
async def test_a_simulated_line_takes_the_settings_of_a_real_one() -> None:
    def prompt(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, 1)

    async with PtyPeer(prompt) as peer, opened(SerialLink(peer.path, 19200, "E", 1)) as link:
        assert await link.read(1, "holding", 1, 1) == (1,)


@pytest.mark.serial
async def test_a_path_that_is_no_serial_port_is_a_link_down(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "nothing"):
        async with opened(SerialLink(str(path))) as link:
            with pytest.raises(LinkDown, match=str(path)):
                await link.read(1, "holding", 1, 1)


@pytest.mark.serial
async def test_a_pulled_adapter_is_a_lost_link_and_a_new_one_is_found(tmp_path: Path) -> None:
    def prompt(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, 1)

    port = tmp_path / "tty"
    async with opened(SerialLink(str(port), 115200)) as link:
        async with PtyPeer(prompt) as peer:
            port.symlink_to(peer.path)
            assert await link.read(1, "holding", 100, 1) == (1,)
            port.unlink()
        with pytest.raises((LinkDown, NoAnswer)):
            await link.read(1, "holding", 100, 1)
        async with PtyPeer(prompt) as peer:
            port.symlink_to(peer.path)
            assert await patiently(link) == (1,)


TIOCGEXCL = 0x80045440
"""Asks whether a terminal is claimed (asm-generic/ioctls.h)."""


@pytest.mark.serial
async def test_a_name_that_leads_to_another_adapter_is_followed(tmp_path: Path) -> None:
    name, bus = tmp_path / "by-id", slaves(1)
    link = SerialLink(str(name), 115_200)
    async with PtyPeer(bus) as first, PtyPeer(bus) as second, opened(link, pacing=QUICK):
        name.symlink_to(first.path)
        await link.read(1, "holding", 7, 2)
        first.script = lambda _: ()
        name.unlink()
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 7, 2)
        name.symlink_to(second.path)

        async with asyncio.timeout(30):
            while not second.requests:
                await asyncio.sleep(0.05)
                with suppress(LinkDown, NoAnswer, Garbled):
                    await link.read(1, "holding", 7, 2)
        assert await link.read(1, "holding", 7, 2) == expected(1, "holding", 7, 2)


@pytest.mark.serial
async def test_a_port_in_use_says_so_to_the_second_that_wants_it() -> None:
    async with PtyPeer(slaves(1)) as peer, opened(SerialLink(peer.path, 115_200)) as link:
        await link.read(1, "holding", 7, 2)
        async with opened(SerialLink(peer.path, 115_200)) as second:
            with pytest.raises(LinkDown, match="locked by another program"):
                await second.read(1, "holding", 7, 2)
        assert await link.read(1, "holding", 7, 2) == expected(1, "holding", 7, 2)


def test_a_claimed_terminal_is_marked_for_programs_that_ask_for_no_lock() -> None:
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        is_claimed = bytearray(4)
        for wanted in (0, 1):
            fcntl.ioctl(slave, TIOCGEXCL, is_claimed)
            assert int.from_bytes(is_claimed, "little") == wanted
            claim(slave)
        fcntl.ioctl(slave, termios.TIOCNXCL)
    finally:
        os.close(master)
        os.close(slave)
