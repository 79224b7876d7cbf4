"""What `status` shows: every outlet, meter, circuit and stream with reasons and ages. Unknown is null, never zero."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from baywarden.model.event import StreamHead
from baywarden.model.reading import Decision, EvseReading, MeterReading, Snapshot
from baywarden.model.site import SiteRules
from baywarden.model.time import Now
from baywarden.model.token import TokenList
from baywarden.services.brain import Brain
from baywarden.services.hand import Hand
from baywarden.services.steward import Steward


def amps(milliamps: int | None) -> float | None:
    return None if milliamps is None else milliamps / 1000


def age_s(read_mono_ms: int | None, now: Now) -> float | None:
    return None if read_mono_ms is None else max(0, now.mono_ms - read_mono_ms) / 1000


def evse_report(
    evse_id: str, brain: Brain, steward: Steward, reading: EvseReading, now: Now
) -> Mapping[str, Any]:
    """One outlet as people on site want to see it."""
    rules = brain.rules.evses[evse_id]
    evse = brain.state.evses[evse_id]
    status, session = evse.status, evse.session
    allocation = steward.allocations.get(evse_id)
    hand = steward.hands.get(evse_id)
    return {
        "evse_id": evse_id,
        "label": rules.label,
        "availability": status.availability.value,
        "reason": status.reason,
        "detail": status.detail,
        "since_at": status.since_at.isoformat().replace("+00:00", "Z"),
        "age_s": age_s(reading.read_mono_ms, now),
        "contact": reading.contact.value,
        "contact_reason": reading.contact_reason,
        "state": reading.state.value if reading.state else None,
        "current_a": [amps(phase) for phase in reading.current_ma],
        "power_w": reading.power_w,
        "energy_wh": reading.energy_wh,
        "limit_a": amps(allocation.limit_ma) if allocation else None,
        "why": allocation.why if allocation else None,
        "session_id": status.session_id,
        "booking_id": status.booking_id,
        "access": rules.access.mode.value,
        "withheld": session.withheld if session else None,
        "stay_until_at": _moment(session.booking_end_at if session else None),
        "decisions": _decisions(reading.decisions),
        **_hand_report(hand),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def token_report(tokens: TokenList) -> Mapping[str, Any]:
    """The list of tokens by its figures; of the tokens themselves nothing is shown."""
    coming = tokens.coming
    return {
        "revision": tokens.revision,
        "count": len(tokens.tokens),
        "coming_revision": None if coming is None else coming.revision,
        "missing_parts": [] if coming is None else coming.missing,
    }


def _hand_report(hand: Hand | None) -> Mapping[str, Any]:
    if hand is None:
        return {}
    held = hand.held
    return {
        "limit_confirmed": held.confirmed if held else False,
        "worst_a": amps(held.allowed_ma) if held else None,
        "failsafe": hand.failsafe.detail,
        "failsafe_armed": hand.failsafe.is_armed,
        "trouble": hand.trouble,
    }


def meter_report(reading: MeterReading, now: Now) -> Mapping[str, Any]:
    """One meter."""
    return {
        "meter_id": reading.meter_id,
        "contact": reading.contact.value,
        "contact_reason": reading.contact_reason,
        "age_s": age_s(reading.read_mono_ms, now),
        "current_a": [amps(phase) for phase in reading.current_ma],
        "power_w": reading.power_w,
        "energy_wh": reading.energy_wh,
        "decisions": _decisions(reading.decisions),
    }


def _decisions(decisions: Sequence[Decision]) -> list[Mapping[str, Any]]:
    """What the device has shown of what its profile leaves open, and what is open still."""
    return [asdict(one) for one in decisions]


def circuit_report(rules: SiteRules, steward: Steward) -> list[Mapping[str, Any]]:
    """Each circuit's limit beside the sum that our outlets may draw at worst, by phase."""
    held = steward.held()
    rows: list[Mapping[str, Any]] = []
    for circuit in rules.circuits.values():
        below = [evse for evse in rules.evses.values() if _feeds(rules, circuit.id, evse.circuit_id)]
        worst: list[float | None] = []
        for phase in (1, 2, 3):
            shares = [held.get(evse.id) for evse in below if phase in evse.phases]
            known = [share.allowed_ma for share in shares if share is not None]
            worst.append(amps(sum(known)) if len(known) == len(shares) else None)
        rows.append({"circuit_id": circuit.id, "limit_a": amps(circuit.limit_ma), "worst_a": worst})
    return rows


def _feeds(rules: SiteRules, circuit_id: str, leaf_id: str | None) -> bool:
    while leaf_id is not None:
        if leaf_id == circuit_id:
            return True
        leaf_id = rules.circuits[leaf_id].parent
    return False


def stream_report(head: StreamHead) -> Mapping[str, Any]:
    """Where one stream stands."""
    return {
        "stream": head.stream.value,
        "epoch": head.epoch,
        "last_seq": head.last_seq,
        "acked_seq": head.acked_seq,
        "oldest_seq": head.oldest_seq,
        "acknowledged_by": "cloud" if head.cloud_acks else "broker",
    }


def site_report(brain: Brain, steward: Steward, snapshot: Snapshot, now: Now) -> Mapping[str, Any]:
    """The part of `status` that comes from the site itself."""
    return {
        "site_id": brain.rules.site_id,
        "time_zone": brain.rules.tz,
        "clock": {"at": now.at.isoformat().replace("+00:00", "Z"), "quality": now.quality.value},
        "boot_id": now.boot_id,
        "evses": [
            evse_report(evse_id, brain, steward, snapshot.evses.get(evse_id, EvseReading(evse_id)), now)
            for evse_id in brain.rules.evses
        ],
        "meters": [meter_report(reading, now) for reading in snapshot.meters.values()],
        "circuits": circuit_report(brain.rules, steward),
        "tokens": token_report(brain.state.tokens),
    }
