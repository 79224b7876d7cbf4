"""How a cloud takes durable streams: in order, each once, asking again for what is missing. No MQTT here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_SEQUENCE: Final = "sequence"


@dataclass(frozen=True, slots=True)
class Missing:
    """A hole that only a replay can fill; both ends belong to it."""

    stream: str
    epoch: int
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What one delivery brought: events now in order (often none), and the hole it showed."""

    applied: tuple[bytes, ...] = ()
    missing: Missing | None = None


@dataclass(slots=True)
class Inbox:
    """One stream. `applied` holds the payloads of this epoch by number, up to `last_seq` without holes."""

    stream: str
    epoch: int = 1
    last_seq: int = 0
    applied: dict[int, bytes] = field(default_factory=dict)
    held: dict[int, bytes] = field(default_factory=dict)
    duplicates: int = 0
    altered: int = 0
    """Repeats whose bytes differ from the first delivery: never right."""
    stale: int = 0
    """Events of an epoch that is over."""

    def offer(self, epoch: int, seq: int, payload: bytes) -> Taken:
        """Take one delivery, first or repeated, in any order."""
        if epoch < self.epoch:
            self.stale += 1
            return Taken()
        if epoch > self.epoch:
            self._begin(epoch)
        known = self.applied.get(seq, self.held.get(seq))
        if known is not None:
            self.duplicates += 1
            self.altered += known != payload
            return Taken()
        self.held[seq] = payload
        return Taken(self._apply(), self.missing())

    def expect(self, epoch: int, last_seq: int) -> Missing | None:
        """The site says where the stream stands: what is missing up to there."""
        if epoch > self.epoch:
            self._begin(epoch)
        if epoch < self.epoch or last_seq <= self.last_seq:
            return None
        to_seq = min(self.held, default=last_seq + 1) - 1
        return Missing(self.stream, epoch, self.last_seq + 1, min(to_seq, last_seq))

    def missing(self) -> Missing | None:
        """The first hole in what was delivered."""
        if not self.held:
            return None
        return Missing(self.stream, self.epoch, self.last_seq + 1, min(self.held) - 1)

    @property
    def gaps(self) -> int:
        """Numbers that are missing below the highest one delivered."""
        highest = max(self.held, default=self.last_seq)
        return highest - self.last_seq - len(self.held)

    def _begin(self, epoch: int) -> None:
        """A new epoch: the site's store began anew, and with it the numbers."""
        self.epoch, self.last_seq = epoch, 0
        self.applied, self.held = {}, {}

    def _apply(self) -> tuple[bytes, ...]:
        ready: list[bytes] = []
        while (payload := self.held.pop(self.last_seq + 1, None)) is not None:
            self.last_seq += 1
            self.applied[self.last_seq] = payload
            ready.append(payload)
        return tuple(ready)


def numbered(payload: bytes) -> tuple[int, int, Mapping[str, Any]]:
    """Epoch and number of an event and the event itself. Raises ValueError when it is none."""
    event = json.loads(payload)
    if not isinstance(event, dict) or not isinstance(event.get(_SEQUENCE), str):
        raise ValueError("an event is a JSON object with a sequence like 0000000001.0000000000000042")
    epoch, dot, seq = event[_SEQUENCE].partition(".")
    if not dot:
        raise ValueError(f"{event[_SEQUENCE]!r} is no sequence")
    return int(epoch), int(seq), event
