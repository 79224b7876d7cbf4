"""One event to the broker, again and again until it is taken or refused for good: each reason code judged by itself."""

import asyncio
from random import Random
from typing import Final

from baywarden.sync.carrier import MESSAGE_REFUSALS, QUOTA_EXCEEDED, REFUSED, TOPIC_REFUSALS, Carrier, Parcel
from baywarden.sync.pacing import Backoff, Pace
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally

_TRIES_OF_UNKNOWN_REFUSALS: Final = 8
_FOR_GOOD: Final = MESSAGE_REFUSALS | TOPIC_REFUSALS


class Courier:
    """Carries one event at a time, so that what it carries keeps its order."""

    def __init__(self, *, pace: Pace, refusals: Refusals, tally: Tally, random: Random) -> None:
        self._pace = pace
        self._refusals = refusals
        self._tally = tally
        self._pause = Backoff(1.0, 0.5, 300.0, random)

    async def deliver(self, link: Carrier, parcel: Parcel) -> int:
        """The code at its end: a success, or a refusal for good. Raises LinkLost.

        Nothing waits between the broker's word and the return: it may end the connection with its refusal,
        and then the caller must still have learned of it.
        """
        tries = 0
        while True:
            await asyncio.sleep(self._refusals.left_s(parcel.topic))
            await self._pace.take()
            code = await link.publish(parcel)
            tries += 1
            self._refusals.note(parcel.topic, code)
            if code < REFUSED or code in _FOR_GOOD or self._is_hopeless(code, tries):
                self._pause.reset()
                return code
            self._tally.trouble("quota", f"the broker will not take {parcel.topic} now: code {code:#04x}")
            await asyncio.sleep(self._pause.next_s())

    def _is_hopeless(self, code: int, tries: int) -> bool:
        """A quota is waited for, for ever; of what nobody can explain there are so many tries."""
        return code != QUOTA_EXCEEDED and tries >= _TRIES_OF_UNKNOWN_REFUSALS
