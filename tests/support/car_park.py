"""Cars that come, charge, stay too long and leave, and what the simulator says really happened."""

import json
import random
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

LOOK_S: Final = 15.0
"""How often the truth is looked at, in seconds of the site."""


@dataclass(slots=True)
class Visit:
    """One car at one bay; moments are POSIX seconds of the site. `full_s` is how long it stayed with all it wanted."""

    bay: str
    came_at: float
    leaves_at: float
    full_at: float | None = None
    left_at: float | None = None

    @property
    def full_s(self) -> float:
        """How long the car stood there with nothing more to charge."""
        if self.full_at is None or self.left_at is None:
            return 0.0
        return self.left_at - self.full_at


class CarPark:
    """The people at the site, seeded."""

    def __init__(
        self, wire: Path, bays: Sequence[str], dice: random.Random, now: Callable[[], datetime]
    ) -> None:
        self.visits: list[Visit] = []
        self.mains_a: list[tuple[float, float]] = []
        """What the mains really carried on its worst phase, by the simulator's clock."""
        self._wire = wire
        self._dice = dice
        self._now = now
        self._here: dict[str, Visit] = {}
        self._next_at = dict.fromkeys(bays, 0.0)
        self._look_at = 0.0

    def step(self) -> None:
        """Whoever is due comes or leaves."""
        now_s = self._now().timestamp()
        if now_s >= self._look_at:
            self._look_at = now_s + LOOK_S
            self._look(now_s)
        for bay, next_at in self._next_at.items():
            visit = self._here.get(bay)
            if visit is not None and now_s >= visit.leaves_at:
                self._leave(visit)
            elif visit is None and now_s >= next_at:
                self._come(bay)

    def send_all_away(self) -> None:
        """Everybody leaves and nobody comes any more."""
        for visit in list(self._here.values()):
            self._leave(visit)
        self._next_at = {}

    def allowed(self) -> list[dict[str, Any]]:
        """From when on each outlet allowed how much, and why, as the simulator wrote it down."""
        changes: list[dict[str, Any]] = self.ask({"do": "written"})["allowed"]
        return changes

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The simulator's answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(10)
            wire.connect(str(self._wire))
            wire.sendall(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(wire.makefile("rb").readline())
        assert answer["ok"], answer
        return answer

    def _come(self, bay: str) -> None:
        now_s = self._now().timestamp()
        if not self._next_at[bay]:  # not all at once on the first day
            self._next_at[bay] = now_s + self._dice.uniform(0, 240)
            return
        need_wh = self._dice.uniform(80, 400)
        self.ask({"do": "plug", "outlet": bay, "need_wh": need_wh, "battery_wh": 40_000})
        visit = Visit(bay, now_s, now_s + self._dice.uniform(200, 900))
        self._here[bay] = visit
        self.visits.append(visit)

    def _leave(self, visit: Visit) -> None:
        self.ask({"do": "unplug", "outlet": visit.bay})
        visit.left_at = self._now().timestamp()
        del self._here[visit.bay]
        self._next_at[visit.bay] = visit.left_at + self._dice.uniform(60, 400)

    def _look(self, now_s: float) -> None:
        state = self.ask({"do": "state"})
        outlets = state["outlets"]
        self.mains_a.append((state["now_s"], max(state["meters"]["mains"]["currents_a"])))
        for bay, visit in self._here.items():
            car = outlets[bay]["car"]
            if visit.full_at is None and car is not None and car["missing_wh"] <= 0:
                visit.full_at = now_s
