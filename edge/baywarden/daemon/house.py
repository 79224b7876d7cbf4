"""The house: everything is made here, told of each other, started, watched and stopped."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from baywarden import __version__
from baywarden.daemon.clock import SystemClock
from baywarden.daemon.notify import ServiceManager
from baywarden.daemon.wires import Wires, open_wires
from baywarden.devices.decided import Memory, memory_of, recall
from baywarden.policy import site
from baywarden.ports.clock import Clock
from baywarden.ports.store import Saved, StoreError, StoreInUse
from baywarden.services.absent import AbsentBooks
from baywarden.services.board import Board
from baywarden.services.brain import Brain
from baywarden.services.control import ControlServer
from baywarden.services.doors import Doors
from baywarden.services.heart import Heart
from baywarden.services.keeper import anchor_of, keep_anchor, keep_decisions, keep_telemetry, tend_store
from baywarden.services.pollers import Grid, SharedSleep, offset_ms, poll_for_ever, poll_meter, poll_outlet
from baywarden.services.progress import Progress, cycle_deadline_s, poll_deadline_s
from baywarden.services.steward import Steward
from baywarden.services.supervise import keep_running
from baywarden.settings import Settings
from baywarden.store import Store, open_store
from baywarden.store.decisions import read_decisions, write_decisions
from baywarden.sync.drafts import draft_of
from baywarden.sync.envelope import renderer

if TYPE_CHECKING:
    from baywarden.services.cloud import Cloud

_log: Final = logging.getLogger(__name__)

FINISH_S: Final = 3.0
REOPEN_S: Final = 30.0


@dataclass(frozen=True)
class Parts:
    """What one house is furnished with."""

    store: Store | AbsentBooks
    wires: Wires
    brain: Brain
    board: Board
    steward: Steward
    heart: Heart
    control: ControlServer
    cloud: "Cloud | None"


class House:
    """One site at work, from the open store to the clean stop."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = asyncio.Event()
        self._manager = ServiceManager()
        self._progress = Progress()
        self._vital: list[asyncio.Task[None]] = []
        self._lasting: list[asyncio.Task[None]] = []
        self._cloud: Cloud | None = None
        self._remembered: Memory = {}

    async def run(self) -> int:
        """Work until SIGTERM, SIGINT or SIGHUP (0), or until a vital part fails (1)."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(name, self._stop.set)
        store = self._open_books()
        if store is None:
            return 1
        try:
            return await self._work(store, await store.load())
        except StoreError as error:
            _log.critical("the ledger failed: %s", error)
            return 1
        finally:
            await store.close()

    def _open_books(self) -> Store | AbsentBooks | None:
        """The store; empty books where it cannot be opened now; None where another daemon has it."""
        try:
            return self._open_store()
        except StoreInUse as error:
            _log.critical("%s", error)
            return None
        except StoreError as error:
            _log.critical("the ledger cannot be opened: %s", error)
            return AbsentBooks(str(error))

    def _open_store(self) -> Store:
        site_id = self._settings.site.id
        table = self._settings.store
        return open_store(
            Path(table.folder),
            render=renderer(site_id, is_offline=self._is_offline),
            site_id=site_id,
            max_bytes=table.max_mb * 1_000_000,
            keep_days=table.keep_days,
            utc=lambda: self._clock.now().at,
        )

    async def _reopen(self) -> None:
        """Without a ledger: end the daemon as soon as it can be opened, to be started again with it."""
        while True:
            await asyncio.sleep(REOPEN_S)
            try:
                store = await asyncio.to_thread(self._open_store)
            except StoreError:
                continue
            await store.close()
            raise RuntimeError("the ledger can be opened again: starting anew with it")

    async def _work(self, store: Store | AbsentBooks, saved: Saved) -> int:
        for note in saved.notes:
            _log.warning("%s", note)
        if isinstance(self._clock, SystemClock) and saved.anchor is not None and saved.anchor.trusted:
            self._clock.remember(saved.anchor.at)
        if not self._clock.now().trusted:
            _log.warning(
                "the machine's clock is not synchronised: no booking is taken until it is ([clock] trust)"
            )
        parts = self._furnish(store, saved)
        await parts.brain.restarted(saved.anchor)
        try:
            await parts.control.start()
        except (OSError, RuntimeError) as error:
            _log.critical("the control socket cannot be opened: %s", error)
            return 1
        self._start(parts)
        code = await self._watch(parts.heart)
        self._manager.tell("STOPPING=1")
        await self._close(parts)
        return code

    def _furnish(self, store: Store | AbsentBooks, saved: Saved) -> Parts:
        settings, clock = self._settings, self._clock
        wires = open_wires(settings, clock)
        self._remembered = read_decisions(Path(settings.store.folder))
        recall(wires.devices, self._remembered)
        rules = settings.rules()
        brain = Brain(
            rules,
            site.begin(rules, saved.evses, clock.now(), saved.tokens),
            ledger=store,
            clock=clock,
            draft_of=partial(draft_of, minor_digits=rules.minor_digits),
        )
        board = Board(rules.evses, (meter.meter_id for meter in wires.meters))
        steward = Steward(rules, wires.outlets, clock)
        cycle_ms = round(settings.site.cycle_s * 1000)
        heart = Heart(brain, steward, board, clock=clock, cycle_ms=cycle_ms, progress=self._progress)
        doors = Doors(brain, steward, board, store, clock=clock, version=__version__)
        doors.open_bench(wires.workbench)
        cloud = None
        if settings.cloud is not None:
            from baywarden.services.cloud import Cloud, options_of  # noqa: PLC0415 (loads the MQTT client)

            options = options_of(settings.site.id, settings.cloud)
            cloud = Cloud(options, brain=brain, steward=steward, books=store, doors=doors, clock=clock)
            heart.after_cycle = cloud.after_cycle
            self._cloud = cloud
        control = ControlServer(Path(settings.control.socket), doors.local)
        return Parts(store, wires, brain, board, steward, heart, control, cloud)

    def _start(self, parts: Parts) -> None:
        self._progress.expect("heart", cycle_deadline_s(self._settings.site.cycle_s))
        self._must("heart", parts.heart.run())
        self._must("hands", parts.steward.run())
        self._must("watchdog", self._feed())
        if isinstance(parts.store, AbsentBooks):
            self._must("reopening", self._reopen())
        self._keep("anchor", lambda: keep_anchor(parts.brain, self._clock))
        self._keep("telemetry", lambda: keep_telemetry(parts.store, parts.board, self._clock))
        self._keep("housekeeping", lambda: tend_store(parts.store, self._clock))
        self._keep("decisions", lambda: self._keep_decisions(parts.wires))
        if parts.cloud is not None:
            self._keep("cloud", parts.cloud.run)
        self._start_pollers(parts.board, parts.wires)

    async def _keep_decisions(self, wires: Wires) -> None:
        await keep_decisions(
            lambda: memory_of(wires.devices.items()),
            self._remembered,
            partial(write_decisions, Path(self._settings.store.folder)),
            self._clock,
        )

    def _start_pollers(self, board: Board, wires: Wires) -> None:
        polls = [
            (f"outlet {outlet.evse_id}", outlet.evse_id, poll_outlet(outlet, board))
            for outlet in wires.outlets
        ]
        polls += [
            (f"meter {meter.meter_id}", meter.meter_id, poll_meter(meter, board)) for meter in wires.meters
        ]
        clock = SharedSleep(self._clock)
        origin_ms = clock.now().mono_ms
        for place, (name, device_id, poll) in enumerate(polls):
            every_ms = wires.every_ms[device_id]
            grid = Grid(every_ms, offset_ms(place, len(polls), every_ms))
            self._progress.expect(name, poll_deadline_s(every_ms / 1000))
            forever = partial(poll_for_ever, name, poll, grid, clock, self._progress)
            self._keep(name, partial(forever, origin_ms=origin_ms))

    async def _feed(self) -> None:
        await self._manager.feed_watchdog(self._progress)
        await asyncio.Event().wait()

    async def _watch(self, heart: Heart) -> int:
        ready = asyncio.create_task(heart.ready.wait())
        stop = asyncio.create_task(self._stop.wait())
        waiting: set[asyncio.Task[Any]] = {ready, stop, *self._vital}
        try:
            while True:
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done & set(self._vital):
                    _log.critical("%s failed", task.get_name(), exc_info=task.exception())
                    return 1
                if stop in done:
                    return 0
                waiting.discard(ready)
                _log.info("every device has been tried: the site is at work")
                self._manager.tell("READY=1\nSTATUS=at work")
        finally:
            ready.cancel()
            stop.cancel()

    async def _close(self, parts: Parts) -> None:
        await parts.control.stop()
        for task in (*self._lasting, *self._vital):
            task.cancel()
        await asyncio.wait({*self._lasting, *self._vital}, timeout=FINISH_S)
        await parts.brain.keep(anchor_of(self._clock.now()))
        await parts.wires.close()
        _log.info("stopped; chargers keep their last limit until their own fail-safe")

    def _is_offline(self) -> bool:
        return self._cloud is not None and not self._cloud.is_connected

    def _must(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._vital.append(asyncio.create_task(work, name=name))

    def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._lasting.append(asyncio.create_task(keep_running(name, work), name=name))
