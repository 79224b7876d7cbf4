"""The services of a site on a fake clock and fake outlets, with the real policy and a real store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

from baywarden.model.booking import BookingTerms
from baywarden.model.command import Command, Door, PutBooking, Reply, Request
from baywarden.model.reading import ChargerState, Pilot
from baywarden.model.session import Session
from baywarden.model.site import Circuit, EvseRules, SiteRules, SiteState
from baywarden.model.step import Effect, Step
from baywarden.policy import site
from baywarden.services.board import Board
from baywarden.services.brain import Brain
from baywarden.services.steward import Steward
from baywarden.store import Store, open_store
from baywarden.sync.drafts import draft_of
from baywarden.sync.envelope import renderer
from support.clock import FakeClock, settle
from support.fake_ledger import FakeLedger
from support.fake_wire import FakeOutlet


def rules_of(*evse_ids: str, limit_ma: int = 100_000, terms: BookingTerms | None = None) -> SiteRules:
    """Outlets of 16 A on one circuit."""
    evses = {
        evse_id: EvseRules(evse_id, f"Bay {evse_id}", "main", terms=terms or BookingTerms())
        for evse_id in evse_ids
    }
    return SiteRules("harbour", "Europe/Berlin", "EUR", evses, {"main": Circuit("main", limit_ma)})


_ASKED: Final = count(1)
"""No two commands have the same id unless a test says so, not even after a restart."""


class SiteAtWork:
    """Driven cycle by cycle. `told` is what listeners were told, `hands` run as long as the site does."""

    def __init__(self, rules: SiteRules, state: SiteState, store: Store, clock: FakeClock) -> None:
        self.rules = rules
        self.clock = clock
        self.store = store
        self.ledger = FakeLedger(store)
        self.brain = Brain(rules, state, ledger=self.ledger, clock=clock, draft_of=draft_of)
        self.board = Board(rules.evses, ())
        self.outlets = {evse_id: FakeOutlet(evse_id, clock) for evse_id in rules.evses}
        self.steward = Steward(rules, self.outlets.values(), clock)
        self.told: list[Effect] = []
        self.brain.tell(self.told.extend)
        self._cars: set[str] = set()

    async def cycle(self) -> Step:
        """Read, decide, share and write, as the heart does once a second."""
        await self.clock.advance(1)
        await self.poll()
        snapshot = self.board.snapshot()
        step = await self.brain.observe(snapshot)
        self.steward.apply(self.brain.state, snapshot, self.clock.now())
        await settle()
        return step

    async def cycles(self, count: int) -> None:
        """So many cycles."""
        for _ in range(count):
            await self.cycle()

    async def poll(self) -> None:
        """Pin what every outlet says."""
        for evse_id, outlet in self.outlets.items():
            if evse_id in self._cars:
                drawn_ma = outlet.limits_ma[-1] if outlet.limits_ma else 0
                outlet.set(current_ma=(drawn_ma,) * 3, power_w=690 * drawn_ma // 1000)
            self.board.pin_evse(await outlet.poll())

    def plug(self, evse_id: str) -> None:
        """A car is there and draws what it may."""
        self._cars.add(evse_id)
        self.outlets[evse_id].set(pilot=Pilot.C, state=ChargerState.CHARGING)

    def unplug(self, evse_id: str) -> None:
        """It has left."""
        self._cars.discard(evse_id)
        self.outlets[evse_id].set(
            pilot=Pilot.A, state=ChargerState.AVAILABLE, current_ma=(0, 0, 0), power_w=0
        )

    def session(self, evse_id: str) -> Session | None:
        """The open session in the state by which the site is run."""
        return self.brain.state.evses[evse_id].session

    async def ask(self, request: Request, command_id: str | None = None, **fields: Any) -> Reply:
        """A command by MQTT."""
        command_id = command_id or f"asked-{next(_ASKED)}"
        return await self.brain.command(Command(command_id, "asked", request, Door.CLOUD, **fields))

    async def book(self, booking_id: str, evse_id: str = "b1", **fields: Any) -> Reply:
        """An hour from one hour from now on."""
        start_at = in_minutes(self.clock, 60)
        wish = PutBooking(booking_id, start_at, start_at + timedelta(hours=1), f"T-{booking_id}", evse_id)
        return await self.ask(wish, **fields)


def in_minutes(clock: FakeClock, minutes: float) -> datetime:
    """The moment in so many minutes."""
    return clock.now().at + timedelta(minutes=minutes)


def open_real_store(folder: Path, clock: FakeClock) -> Store:
    """A store that renders as the daemon's does."""
    return open_store(folder, render=renderer("harbour"), site_id="harbour", utc=lambda: clock.now().at)


@asynccontextmanager
async def site_at_work(
    folder: Path, clock: FakeClock, rules: SiteRules | None = None
) -> AsyncIterator[SiteAtWork]:
    """A start from what is in `folder`; at the end the hands are stopped and the store is closed."""
    rules = rules or rules_of("b1", "b2")
    store = open_real_store(folder, clock)
    saved = await store.load()
    work = SiteAtWork(rules, site.begin(rules, saved.evses, clock.now(), saved.tokens), store, clock)
    await work.brain.restarted(saved.anchor)
    hands = asyncio.create_task(work.steward.run())
    try:
        yield work
    finally:
        hands.cancel()
        await asyncio.gather(hands, return_exceptions=True)
        await store.close()


async def until(is_so: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Return as soon as it is so; the store's threads need real time."""
    async with asyncio.timeout(timeout_s):
        while not is_so():  # what is watched is done by threads, too
            await asyncio.sleep(0.002)
