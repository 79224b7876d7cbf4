"""A connection that answers each publish with the next code of a list."""

import asyncio
from collections.abc import Callable

from baywarden.sync.carrier import Incoming, Parcel
from baywarden.sync.errors import LinkLost


class FakeCarrier:
    """A baywarden.sync.carrier.Carrier. `answer` gives the reason code of a publish, or raises."""

    def __init__(self, answer: Callable[[Parcel], int] = lambda parcel: 0, delay_s: float = 0.05) -> None:
        self.answer = answer
        self.sent: list[Parcel] = []
        self.acknowledged: list[int] = []
        self.most_at_once: dict[str, int] = {}
        self.is_lost = False
        self._delay_s = delay_s
        self._under_way: dict[str, int] = {}

    async def publish(self, parcel: Parcel) -> int:
        if self.is_lost:
            raise LinkLost("cut by the test")
        self.sent.append(parcel)
        under_way = self._under_way[parcel.topic] = self._under_way.get(parcel.topic, 0) + 1
        self.most_at_once[parcel.topic] = max(under_way, self.most_at_once.get(parcel.topic, 0))
        try:
            await asyncio.sleep(self._delay_s)
        finally:
            self._under_way[parcel.topic] -= 1
        return self.answer(parcel)

    def acknowledge(self, message: Incoming) -> None:
        self.acknowledged.append(message.mid)
