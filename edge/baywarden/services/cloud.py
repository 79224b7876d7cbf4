"""The cloud, glued to the site: what was committed is sent, what changed is shown, what is asked is decided."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from baywarden import __version__
from baywarden.model.evse import EvseStatus
from baywarden.model.reading import ChargerState, EvseReading, Snapshot
from baywarden.model.step import Effect
from baywarden.model.time import Now
from baywarden.ports.clock import Clock
from baywarden.services.brain import Brain
from baywarden.services.doors import Books, Doors
from baywarden.services.report import age_s, amps, evse_report
from baywarden.services.steward import Steward
from baywarden.settings.tree import CloudSettings
from baywarden.sync.mqtt import MqttSync
from baywarden.sync.options import CloudOptions
from baywarden.sync.site_payloads import evse_payload, policy_payloads
from baywarden.sync.snapshots import SiteFacts

TELE_MS: Final = 10_000
_LIVE: Final = ("state", "current_a", "power_w", "energy_wh", "limit_a", "age_s")


def options_of(site_id: str, cloud: CloudSettings) -> CloudOptions:
    """The broker as the sync room wants it told. Its files are not read yet."""
    return CloudOptions(
        site_id,
        cloud.host,
        cloud.port,
        tls=cloud.tls,
        ca_file=_path(cloud.ca_file),
        cert_file=_path(cloud.cert_file),
        key_file=_path(cloud.key_file),
        username=cloud.username,
        password_file=_path(cloud.password_file),
        keepalive_s=cloud.keep_alive_s,
        window=cloud.receive_maximum,
        backoff_first_s=cloud.retry_first_s,
        backoff_max_s=cloud.retry_max_s,
    )


class Cloud:
    """Wakes the outbox after each commit, and shows every outlet as it is."""

    def __init__(
        self,
        options: CloudOptions,
        *,
        brain: Brain,
        steward: Steward,
        books: Books,
        doors: Doors,
        clock: Clock,
    ) -> None:
        self._brain = brain
        self._books = books
        self._steward = steward
        self._clock = clock
        self._next_tele_ms = 0
        self._snapshot = Snapshot()
        self._shown: dict[str, tuple[EvseStatus, int | None, ChargerState | None]] = {}
        """What the retained status of each outlet was made of."""
        self._sync = MqttSync(
            options,
            books,
            clock=clock,
            on_command=doors.cloud,
            answered=books.answer,
            leftovers=books,
            birth=self._birth,
            facts=self._facts,
        )
        self.run: Callable[[], Any] = self._sync.run
        brain.tell(self._committed)
        doors.broker = self.report
        doors.parked_changed = self._sync.parked_changed

    @property
    def is_connected(self) -> bool:
        """Whether the broker has us now."""
        return self._sync.state.connected

    def report(self) -> Mapping[str, Any]:
        """The connection, for `status`."""
        state = self._sync.state
        return {
            "connected": state.connected,
            "since_at": state.since_at.isoformat().replace("+00:00", "Z"),
            "reason": state.reason,
            "alarm": state.alarm,
            "counters": dict(state.counters),
        }

    def after_cycle(self, snapshot: Snapshot) -> None:
        """Show what this cycle made of every outlet."""
        self._snapshot = snapshot
        allocations = self._steward.allocations
        for evse_id, evse in self._brain.state.evses.items():
            reading, allocation = snapshot.evses.get(evse_id), allocations.get(evse_id)
            limit_ma = None if allocation is None else allocation.limit_ma
            shown = (evse.status, limit_ma, None if reading is None else reading.state)
            if shown != self._shown.get(evse_id):
                self._shown[evse_id] = shown
                self._show(*shown)
        now = self._clock.now()
        if now.mono_ms >= self._next_tele_ms:
            self._next_tele_ms = now.mono_ms + TELE_MS
            self._send_live_values(now)

    def _show(self, status: EvseStatus, limit_ma: int | None, state: ChargerState | None) -> None:
        extras = {
            "label": self._brain.rules.evses[status.evse_id].label,
            "limit_a": amps(limit_ma),
            "state": state.value if state else None,
            "session_id": status.session_id,
            "booking_id": status.booking_id,
        }
        self._sync.publish_status(status, extras, partial(self._age, status.evse_id))

    def _age(self, evse_id: str) -> Mapping[str, Any]:
        """Of what is shown, at the moment at which it is sent."""
        reading = self._reading(evse_id)
        return {"age_s": age_s(reading.read_mono_ms, self._clock.now())}

    def _send_live_values(self, now: Now) -> None:
        for evse_id in self._brain.state.evses:
            shown = evse_report(evse_id, self._brain, self._steward, self._reading(evse_id), now)
            self._sync.publish_tele(evse_id, {key: shown[key] for key in _LIVE})

    def _reading(self, evse_id: str) -> EvseReading:
        return self._snapshot.evses.get(evse_id) or EvseReading(evse_id)

    def _committed(self, _effects: tuple[Effect, ...]) -> None:
        self._sync.wake()

    def _facts(self) -> SiteFacts:
        """What a snapshot tells of the configuration, with the versions that running sessions keep."""
        rules, evses = self._brain.rules.evses, self._brain.state.evses
        frozen = [evse.session.policy for evse in evses.values() if evse.session is not None]
        policies = [*(one.overstay for one in rules.values()), *frozen]
        return SiteFacts(
            [
                evse_payload(rules[evse_id], evse.status)
                for evse_id, evse in evses.items()
                if evse_id in rules
            ],
            policy_payloads(policy for policy in policies if policy is not None),
        )

    def _birth(self) -> Mapping[str, Any]:
        rules = self._brain.rules
        return {
            "version": __version__,
            "epoch_tag": self._books.stats().get("epoch_tag"),
            "time_zone": rules.tz,
            "currency": rules.currency,
            "token_revision": self._brain.state.tokens.revision,
            "evses": [{"evse_id": evse.id, "label": evse.label} for evse in rules.evses.values()],
        }


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
