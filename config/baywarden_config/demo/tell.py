"""From what the cloud learns to a sentence; most events need none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from baywarden_config.demo.cloud import News
from baywarden_config.demo.console import local
from baywarden_config.demo.site import LABELS

_TOLD_NOTICES: Final = frozenset(
    {"CHARGING_COMPLETE", "OVERSTAY_STARTED", "CAP_REACHED", "BOOKING_CONFLICT", "SITE_FAULT"}
)
_LATE_S: Final = 60.0
_FINAL_WORDS: Final = {
    "NO_SHOW": "nobody came: a no-show",
    "CANCELED": "is cancelled",
    "REJECTED": "is rejected",
    "FAILED": "has failed",
}


class Teller:
    """Says each change of a booking, session or penalty once."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def sentence(self, news: News, now: datetime) -> str | None:
        """What to print of this event, if anything; late news says when it happened."""
        text = self._text(news)
        if text is not None and (now - news.at).total_seconds() > _LATE_S:
            text += f" (happened at {local(news.at)})"
        return text

    def _text(self, news: News) -> str | None:
        data = news.data
        match news.stream:
            case "booking":
                return self._once(data["booking_id"], f"{data['status']} {data['phase']}", _booking(data))
            case "session":
                return self._once(data["session_id"], data["status"], _session(data))
            case "penalty":
                return self._once(data["penalty_id"], data["status"], _penalty(data))
            case "notice" if data["kind"] in _TOLD_NOTICES:
                return str(data["text"])
        return None

    def _once(self, thing_id: str, state: str, text: str | None) -> str | None:
        if self._told.get(thing_id) == state:
            return None
        self._told[thing_id] = state
        return text


def _bay(data: Mapping[str, Any]) -> str:
    return LABELS.get(data["evse_id"], str(data["evse_id"]))


def _booking(data: Mapping[str, Any]) -> str | None:
    name = f"booking {data['booking_id']}"
    match data["status"], data["phase"]:
        case "RESERVED", "SCHEDULED":
            start_at, end_at = (datetime.fromisoformat(data[key]) for key in ("start_at", "end_at"))
            return f"{name}: {_bay(data)} from {local(start_at)} to {local(end_at)}"
        case "RESERVED", "HOLDING":
            return f"{name}: {_bay(data)} is held, other cars get no power there"
        case "RESERVED", "CONFLICT":
            return f"{name}: {_bay(data)} is still occupied"
        case "FULFILLED", _:
            return f"{name}: the driver came to {_bay(data)}, booking kept"
        case status, _ if status in _FINAL_WORDS:
            return f"{name}: {_FINAL_WORDS[status]}"
    return None


def _session(data: Mapping[str, Any]) -> str | None:
    if data["status"] == "ACTIVE":
        return f"{_bay(data)}: session begins{' for the booking' if data['booking_id'] else ''}"
    if data["status"] == "COMPLETED":
        return f"{_bay(data)}: session over, {data['energy_wh'] / 1000:.2f} kWh"
    return None


def _penalty(data: Mapping[str, Any]) -> str | None:
    kind = data["kind"].lower().replace("_", "-")
    if data["status"] == "ACCRUING":
        return f"{_bay(data)}: the {kind} fee begins to run"
    if data["status"] == "FINAL":
        return f"{_bay(data)}: {kind} fee {data['amount']} {data['currency']}"
    return None
