"""The site's own books, read through the control socket in short pages."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from baywarden.control.client import ControlClient, DaemonUnreachable

_PAGE: Final = 200
_TRIES: Final = 20

Row = Mapping[str, Any]


class LedgerUnread(Exception):
    """The daemon refused a question about its ledger, or never stood still for it."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The books at one moment: `heads` are (epoch, last number), `events` the envelopes by number."""

    heads: Mapping[str, tuple[int, int]]
    events: Mapping[str, Mapping[int, Row]]
    bookings: tuple[Row, ...]
    sessions: tuple[Row, ...]
    penalties: tuple[Row, ...]


class LedgerReader:
    """Asks the daemon at `socket`."""

    def __init__(self, socket: Path) -> None:
        self._client = ControlClient(socket)

    def close(self) -> None:
        """End the conversation."""
        self._client.close()

    def status(self) -> Mapping[str, Any]:
        """The daemon's `status`. Raises DaemonUnreachable."""
        return self._ask("status", {})

    def is_at_work(self) -> bool:
        """Whether the daemon answers and has tried every bay."""
        try:
            return all(evse["contact"] != "never" for evse in self.status()["evses"])
        except (DaemonUnreachable, LedgerUnread):
            return False

    def heads(self) -> dict[str, tuple[int, int]]:
        """(epoch, last number) of each stream that has any event."""
        streams = self.status()["streams"]
        return {row["stream"]: (row["epoch"], row["last_seq"]) for row in streams if row["last_seq"]}

    def waiting(self) -> int:
        """Events that the cloud has not acknowledged."""
        return sum(row["last_seq"] - row["acked_seq"] for row in self.status()["streams"])

    def read(self) -> Ledger:
        """Everything, at a moment in which no stream moved. Raises LedgerUnread when there is none."""
        for _ in range(_TRIES):
            before = self.heads()
            lists = [self._list(name) for name in ("bookings", "sessions", "penalties")]
            if self.heads() == before:
                events = {name: self._events(name, *head) for name, head in before.items()}
                return Ledger(before, events, *lists)
            time.sleep(0.05)
        raise LedgerUnread("the ledger was written to faster than it could be read")

    def _list(self, name: str) -> tuple[Row, ...]:
        rows: list[Row] = []
        after: str | None = None
        while True:
            params = {"limit": _PAGE} if after is None else {"limit": _PAGE, "after": after}
            data = self._ask(f"{name}.list", params)
            rows += data["items"]
            after = data.get("next")
            if after is None:
                return tuple(rows)

    def _events(self, stream: str, epoch: int, last_seq: int) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for first in range(1, last_seq + 1, _PAGE):
            span = {"from_seq": first, "to_seq": min(last_seq, first + _PAGE - 1), "limit": _PAGE}
            data = self._ask("events.list", {"stream": stream, "epoch": epoch, **span})
            for event in data["events"]:
                found[event["seq"]] = event["payload"]
        return found

    def _ask(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        reply = self._client.call(name, params)
        if reply["result"] != "ACCEPTED":
            raise LedgerUnread(f"{name}: {reply['reason']} {reply['detail']}")
        data: Mapping[str, Any] = reply["data"]
        return data
