"""A day on which outlets can be booked under the terms of the test."""

from typing import Any

from baywarden.model.booking import BookingTerms
from baywarden.model.command import Reason, Reply, Result
from scenarios.day import Day, a_site


def a_day(*evse_ids: str, limit_ma: int = 1_000_000, **terms: Any) -> Day:
    day = Day(a_site(*evse_ids, terms=BookingTerms(**terms), limit_ma=limit_ma))
    day.tick()
    return day


def refused(reply: Reply) -> Reason | None:
    assert reply.result is Result.REJECTED
    assert reply.detail
    return reply.reason
