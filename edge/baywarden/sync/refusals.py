"""Topics that the broker forbade us.

Some brokers (mosquitto 2.0.11) also end the connection at such a publish: it must not be repeated at each connect;
and somebody may mend the access list, so it must be tried again, ever more seldom.
"""

import asyncio
from random import Random
from typing import Final

from baywarden.sync.carrier import TOPIC_REFUSALS, Carrier, Parcel
from baywarden.sync.pacing import Backoff

_FIRST_S: Final = 5.0
_MAX_S: Final = 600.0
_MOST_TOPICS: Final = 1000


class Refusals:
    """Remembers over connections."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._pauses: dict[str, Backoff] = {}
        self._until_s: dict[str, float] = {}

    async def publish(self, link: Carrier, parcel: Parcel) -> int:
        """As Carrier.publish, but a topic that was forbidden lately is not even tried (0x87)."""
        if self.left_s(parcel.topic) > 0:
            return min(TOPIC_REFUSALS)
        code = await link.publish(parcel)
        self.note(parcel.topic, code)
        return code

    def note(self, topic: str, code: int) -> None:
        """What the broker said to a publish on `topic`."""
        if code not in TOPIC_REFUSALS:
            self._pauses.pop(topic, None)
            self._until_s.pop(topic, None)
        elif topic in self._pauses or len(self._pauses) < _MOST_TOPICS:
            pause = self._pauses.setdefault(topic, Backoff(_FIRST_S, _FIRST_S / 2, _MAX_S, self._random))
            self._until_s[topic] = _now_s() + pause.next_s()

    def left_s(self, topic: str) -> float:
        """How long not to try the topic; 0 when it may be tried."""
        until_s = self._until_s.get(topic)
        return 0.0 if until_s is None else max(0.0, until_s - _now_s())


def _now_s() -> float:
    return asyncio.get_running_loop().time()
