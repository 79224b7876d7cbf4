"""A cloud that books, changes and cancels under its own ids, asks again until answered, and writes down each answer."""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from support.cloud_ear import CloudEar

PATIENCE_S: Final = 3.0
MOST_OPEN: Final = 6
VALID: Final = timedelta(hours=12)
_VERDICTS: Final = ("ACCEPTED", "REJECTED")


@dataclass(slots=True)
class Asked:
    """One command and every answer that came to it. TIMEOUT and FAILED are no verdicts: they say ask again."""

    id: str
    name: str
    params: Mapping[str, Any]
    body: bytes
    asked_s: float
    asked_times: int = 1
    answers: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def verdict(self) -> Mapping[str, Any] | None:
        """The first answer that says yes or no."""
        return next((answer for answer in self.answers if answer["result"] in _VERDICTS), None)


class BookingWitness:
    """Knows nothing of the daemon but its topics."""

    def __init__(
        self,
        host: str,
        port: int,
        site_id: str,
        *,
        bays: Sequence[str],
        now: Callable[[], datetime],
        dice: random.Random,
        notebook: Path,
    ) -> None:
        self.asked: dict[str, Asked] = {}
        self.wishing = True
        """Whether it wants anything new."""
        self._ear = CloudEar(host, port, site_id, only="rsp/witness")
        self._bays = bays
        self._now = now
        self._dice = dice
        self._notebook = notebook.open("a")
        self._read = 0
        self._next_wish_s = 0.0
        self._bookings: list[str] = []

    @property
    def listening(self) -> bool:
        """Whether answers would be heard."""
        return self._ear.listening

    @property
    def unanswered(self) -> list[Asked]:
        """What has no verdict yet."""
        return [one for one in self.asked.values() if one.verdict is None]

    @property
    def acknowledged(self) -> list[Asked]:
        """What was promised."""
        return [one for one in self.asked.values() if (one.verdict or {}).get("result") == "ACCEPTED"]

    def stop(self) -> None:
        """Leave."""
        self._ear.stop()
        self._notebook.close()

    def step(self) -> None:
        """Take what came, ask again for what did not, and wish for something new."""
        self._take()
        now_s = time.monotonic()
        waiting = self.unanswered
        for one in waiting:
            if now_s > one.asked_s + PATIENCE_S:
                self._say(one)
        if self.wishing and now_s >= self._next_wish_s and len(waiting) < MOST_OPEN:
            self._next_wish_s = now_s + self._dice.uniform(0.02, 0.2)
            self._wish()

    def ask_again(self, asked: Asked) -> None:
        """The same command, byte for byte, under the same id."""
        self._say(asked)

    def _take(self) -> None:
        heard = self._ear.heard
        for _, payload, _ in heard[self._read : (end := len(heard))]:
            answer = json.loads(payload)
            asked = self.asked[answer["id"]]
            asked.answers.append(answer)
            line = {"name": asked.name, "params": dict(asked.params), "answer": answer}
            self._notebook.write(json.dumps(line) + "\n")
        self._read = end

    def _wish(self) -> None:
        lot = self._dice.random()
        if lot < 0.1 and self.asked:
            self._say(self._dice.choice(list(self.asked.values())))
        elif lot < 0.3 and self._bookings:
            self._ask("booking.put", self._window() | {"booking_id": self._dice.choice(self._bookings)})
        elif lot < 0.45 and self._bookings:
            self._ask("booking.cancel", {"booking_id": self._dice.choice(self._bookings)})
        else:
            name = f"b-{len(self._bookings) + 1}"
            self._bookings.append(name)
            self._ask("booking.put", self._window() | {"booking_id": name})

    def _window(self) -> dict[str, Any]:
        """Soon now and then, so that holds and no-shows happen; some time of the day otherwise."""
        is_soon = self._dice.random() < 0.25
        start_at = self._now() + timedelta(
            seconds=self._dice.uniform(30, 200) if is_soon else self._dice.uniform(600, 86_400)
        )
        end_at = start_at + timedelta(seconds=self._dice.uniform(300, 900 if is_soon else 5_400))
        window = {
            "start_at": _text(start_at),
            "end_at": _text(end_at),
            "token": f"TOKEN-{self._dice.randrange(10**9):09d}",
        }
        if self._dice.random() < 0.8:
            window["evse_id"] = self._dice.choice(self._bays)
        return window

    def _ask(self, name: str, params: Mapping[str, Any]) -> None:
        command_id, at = f"w-{len(self.asked) + 1}", self._now()
        body = {
            "id": command_id,
            "issued_at": _text(at),
            "expires_at": _text(at + VALID),
            "params": dict(params),
        }
        asked = Asked(command_id, name, params, json.dumps(body).encode(), 0.0, 0)
        self.asked[command_id] = asked
        self._say(asked)

    def _say(self, asked: Asked) -> None:
        asked.asked_s = time.monotonic()
        asked.asked_times += 1
        self._ear.say(f"cmd/{asked.name}", asked.body, response_topic=self._ear.root + "rsp/witness")


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
