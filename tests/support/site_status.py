"""What a daemon tells of a site with one car, one silent outlet and one silent meter."""

from collections.abc import Mapping
from typing import Any, Final

STATUS: Final[Mapping[str, Any]] = {
    "site_id": "harbour-7",
    "version": "0.1.0",
    "time_zone": "Asia/Tokyo",
    "clock": {"at": "2026-06-15T09:00:00Z", "quality": "S"},
    "boot_id": "b",
    "epoch": 2,
    "broker": {"connected": False, "reason": "connection refused", "since_at": "2026-06-15T08:00:00Z"},
    "evses": [
        {
            "evse_id": "bay-1",
            "label": "Bay 1",
            "availability": "occupied",
            "reason": "charging",
            "detail": "",
            "since_at": "2026-06-15T08:30:00Z",
            "age_s": 0.4,
            "state": "charging",
            "current_a": [8.1, None, 0.0],
            "power_w": 1840,
            "energy_wh": 950,
            "limit_a": 8,
            "why": "circuit carpark, phase L1",
            "session_id": "s-1",
            "booking_id": None,
        },
        {
            "evse_id": "bay-2",
            "label": "Bay 2",
            "availability": "unknown",
            "reason": "silent",
            "detail": "",
            "since_at": "2026-06-15T08:30:00Z",
            "age_s": None,
            "state": None,
            "current_a": [None, None, None],
            "power_w": None,
            "energy_wh": None,
            "limit_a": None,
            "why": None,
            "session_id": None,
            "booking_id": None,
        },
    ],
    "meters": [
        {
            "meter_id": "grid",
            "contact": "silent",
            "contact_reason": "grid: poll: unit 1 gave no answer",
            "power_w": None,
            "current_a": [None, None, None],
            "age_s": 75,
        }
    ],
    "circuits": [{"circuit_id": "carpark", "limit_a": 32, "worst_a": [8, None, 0]}],
    "streams": [{"stream": "booking", "epoch": 2, "last_seq": 12, "acked_seq": 9, "oldest_seq": 1}],
    "store": {"bytes": 4096},
    "counters": {"cycles": 7},
}
