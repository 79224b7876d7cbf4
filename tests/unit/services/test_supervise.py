"""A failing task is started again and its failure is logged whole."""

import asyncio
import logging

import pytest

from baywarden.services.supervise import keep_running


async def test_a_failed_task_is_started_again(caplog: pytest.LogCaptureFixture) -> None:
    starts = 0
    again = asyncio.Event()

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise RuntimeError("first time unlucky")
        again.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR):
        task = asyncio.create_task(keep_running("poller bay-1", work, first_pause_s=0.01))
        await asyncio.wait_for(again.wait(), 5)
    task.cancel()
    assert "poller bay-1 failed" in caplog.text and "first time unlucky" in caplog.text
