"""The clock of the tests' loop counts what is waited for, and not what the machine takes away."""

import asyncio
import socket
import time

import pytest

from support.even_loop import EvenLoop


async def test_every_test_runs_on_it() -> None:
    assert isinstance(asyncio.get_running_loop(), EvenLoop)


async def test_what_is_waited_for_is_waited_for_in_full() -> None:
    began_s, began_even_s = time.monotonic(), asyncio.get_running_loop().time()
    await asyncio.sleep(0.1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await asyncio.get_running_loop().create_future()
    assert time.monotonic() - began_s >= 0.199
    assert asyncio.get_running_loop().time() - began_even_s >= 0.199


async def test_an_answer_is_not_late_because_the_process_stood_still() -> None:
    asked, answering = socket.socketpair()
    asked.setblocking(False)
    loop = asyncio.get_running_loop()
    with asked, answering:
        async with asyncio.timeout(0.15):
            loop.call_soon(time.sleep, 0.3)
            loop.call_soon(answering.send, b"!")
            assert await loop.sock_recv(asked, 1) == b"!"
