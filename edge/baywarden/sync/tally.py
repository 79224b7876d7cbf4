"""Counters and the state of the cloud link, for the status page and the alarms."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

LOG: Final = logging.getLogger("baywarden.sync")


@dataclass(frozen=True, slots=True)
class CloudState:
    """The link as it is now. `alarm` is a sentence for the operator, None when nothing needs a hand."""

    connected: bool
    since_at: datetime
    reason: str
    attempts: int
    """Tries since the link was last up."""
    alarm: str | None = None
    counters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


class Tally:
    """Counts everything and logs each kind of trouble once."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._told: set[str] = set()
        self._alarms: dict[str, str] = {}
        self._remarks: dict[str, str] = {}
        self.progress = 0
        """Rises with everything that is done; a watchdog may look at it."""

    def count(self, what: str) -> None:
        """One more of `what`."""
        self._counts[what] += 1
        self.progress += 1

    def trouble(self, what: str, text: str) -> None:
        """Count it, and say it aloud the first time."""
        self.count(what)
        if what not in self._told:
            self._told.add(what)
            LOG.warning("%s", text)
        else:
            LOG.debug("%s", text)

    def is_well(self, what: str) -> None:
        """The trouble is over: the next one is said aloud again."""
        self._told.discard(what)

    def alarm(self, what: str, text: str) -> None:
        """Something a person must look at; said aloud each time its text changes."""
        if self._alarms.get(what) != text:
            self._alarms[what] = text
            LOG.error("%s", text)

    def end_alarm(self, what: str) -> None:
        """It is over."""
        self._alarms.pop(what, None)

    def alarms(self) -> str | None:
        """All of them in one text."""
        return "; ".join(self._alarms.values()) or None

    def remark(self, what: str, text: str) -> None:
        """Something that stands beside the state of the link; said aloud each time its text changes."""
        if self._remarks.get(what) != text:
            self._remarks[what] = text
            LOG.warning("%s", text)

    def end_remark(self, what: str) -> None:
        """It is over."""
        self._remarks.pop(what, None)

    def remarks(self) -> str | None:
        """All of them in one text."""
        return "; ".join(self._remarks.values()) or None

    def counters(self) -> Mapping[str, int]:
        """A copy."""
        return MappingProxyType(dict(self._counts))
