"""Runs the story, tells it, and gives the verdict."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from types import FrameType
from typing import Any, Final

from baywarden.control.client import DaemonUnreachable
from baywarden_config.demo.broker import BrokerKind, NoBroker, chosen
from baywarden_config.demo.cars import CarsRefused
from baywarden_config.demo.child import ChildFailed
from baywarden_config.demo.closing import tell_verdict
from baywarden_config.demo.console import Console
from baywarden_config.demo.ledger import Ledger, LedgerUnread
from baywarden_config.demo.site import LABELS, Ports
from baywarden_config.demo.stage import Stage
from baywarden_config.demo.story import Story
from baywarden_config.demo.tell import Teller
from baywarden_config.demo.verdict import Verdict, judge

_TICK_S: Final = 0.05
_TEND_S: Final = 0.5
_POWER_S: Final = 120.0
"""Of the site's time: shares move too often to tell each move."""
_DRAIN_S: Final = 60.0


class Conductor:
    """One performance on a stage."""

    def __init__(self, stage: Stage, console: Console, for_s: float | None) -> None:
        self._stage = stage
        self._console = console
        self._for_s = for_s
        self._teller = Teller()
        self._stopped = False
        self._tend_at = self._power_at = 0.0
        self._power = ""

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End the story at the next look; the verdict is still given. Asked twice, end at once."""
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True

    def play(self) -> None:
        """Until the story ends, `for_s` has passed, or somebody stops it."""
        story = Story(self._stage, self._console)
        until = time.monotonic() + self._for_s if self._for_s is not None else None
        while not self._stopped and (until is None or time.monotonic() < until):
            story.go_on()
            self._look()
            if story.over and until is None:
                return
            if story.over:
                story.encore()
            time.sleep(_TICK_S)

    def verdict(self) -> Verdict:
        """Bring everything back that is away, let the site send what it has, and compare."""
        stage = self._stage
        if not stage.broker.running:
            stage.broker.restart()
        if not stage.daemon.running:
            stage.start_daemon()
        self._console.say("demo", "the end: the site sends what it still has")
        ledger = stage.ledger.read()
        stage.wait("everything reaches the cloud", lambda: self._has_come(ledger), _DRAIN_S)
        self._tell_news()
        return judge(ledger, stage.cloud.store)

    def _has_come(self, ledger: Ledger) -> bool:
        self._look()
        return self._stage.cloud.subscribed and self._stage.cloud.expect(ledger.heads)

    def _look(self) -> None:
        self._stage.check()
        self._tell_news()
        now = time.monotonic()
        if now >= self._tend_at:
            self._tend_at = now + _TEND_S
            self._stage.cloud.tend()
        if now >= self._power_at:
            self._power_at = now + self._stage.clock.ours_s(_POWER_S)
            self._tell_power()

    def _tell_news(self) -> None:
        with suppress(Empty):
            while True:
                news = self._stage.cloud.news.get_nowait()
                text = self._teller.sentence(news, self._stage.clock.now())
                if text is not None:
                    self._console.say("notice" if news.stream == "notice" else "site", text)

    def _tell_power(self) -> None:
        """Who may draw how much, whenever that has changed."""
        with suppress(DaemonUnreachable, LedgerUnread):
            text = power(self._stage.ledger.status())
            if text and text != self._power:
                self._power = text
                self._console.say("power", text)


def power(status: Mapping[str, Any]) -> str:
    """The share of each bay where a car is."""
    return ", ".join(
        f"{LABELS.get(evse['evse_id'], evse['evse_id'])} {_share(evse['limit_a'])}"
        for evse in status["evses"]
        if evse["session_id"] and evse["limit_a"] is not None
    )


def _share(limit_a: float) -> str:
    return f"{limit_a:g} A" if limit_a else "waits"


def perform(
    *,
    rate: float,
    for_s: float | None,
    keep: Path | None,
    port_base: int | None,
    report: Path | None,
    broker: BrokerKind | None,
) -> bool:
    """The whole evening; whether the verdict is good."""
    if report is not None:
        report.unlink(missing_ok=True)
    try:
        ports = Ports.free() if port_base is None else Ports.from_base(port_base)
        stage = Stage(rate=rate, ports=ports, keep=keep, broker=chosen(broker))
    except (NoBroker, OSError) as error:
        print(f"The demo cannot begin: {error}", file=sys.stderr)
        return False
    console = Console(stage.clock.now)
    conductor = Conductor(stage, console, for_s)
    try:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, conductor.stop)
        verdict = _performed(stage, conductor, console)
    except (ChildFailed, NoBroker, CarsRefused, DaemonUnreachable, LedgerUnread) as error:
        console.plain(f"The demo cannot go on: {error}")
        return False
    finally:
        code = stage.close()
    if code:
        console.plain(f"The daemon did not stop cleanly: it ended with code {code}.")
    tell_verdict(verdict, console)
    if report is not None:
        report.write_text(json.dumps(verdict.as_json(), indent=2, sort_keys=True) + "\n", "utf-8")
    return verdict.good and not code


def _performed(stage: Stage, conductor: Conductor, console: Console) -> Verdict:
    console.plain(
        f"A charging site at {stage.clock.rate:g} times real time; its broker is {stage.broker.kind.value}."
    )
    stage.open()
    console.say("demo", "nine bays on four charger models, two meters; TCP and a serial line")
    conductor.play()
    return conductor.verdict()
