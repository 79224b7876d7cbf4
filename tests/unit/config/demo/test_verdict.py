"""The verdict is good only when the cloud holds exactly what the site holds."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from baywarden_config.demo.cloud import Store
from baywarden_config.demo.ledger import Ledger
from baywarden_config.demo.verdict import judge

BOOKING: Mapping[str, Any] = {
    "id": "b-1",
    "rev": 2,
    "status": "FULFILLED",
    "evse_id": "bay-1",
    "session_id": "s-1",
}
SESSION: Mapping[str, Any] = {
    "id": "s-1",
    "status": "COMPLETED",
    "evse_id": "bay-1",
    "energy_wh": 5200,
    "penalty_id": "p-1",
}
PENALTY: Mapping[str, Any] = {
    "id": "p-1",
    "rev": 1,
    "kind": "OVERSTAY",
    "status": "FINAL",
    "amount_minor": 220,
    "minor_digits": 2,
    "currency": "EUR",
    "billed_s": 660,
    "evidence": [
        {"state": "CHARGING", "duration_ms": 400_000},
        {"state": "SUSPENDED_EV", "duration_ms": 600_000},
        {"state": "UNKNOWN", "duration_ms": 9_000},
        {"state": "SUSPENDED_EV", "duration_ms": 358_999},
    ],
}


def event(seq: int, **data: Any) -> dict[str, Any]:
    moment = {"type": "t", "time": "2026-06-15T09:00:00Z"}
    return {"sequence": f"{1:010d}.{seq:016d}", **moment, "data": {"key": seq, **data}}


def told_of(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return event(1, **{f"{kind}_id": row["id"], **row})


TOLD = {
    "booking": told_of("booking", BOOKING),
    "session": told_of("session", SESSION),
    "penalty": told_of("penalty", PENALTY),
}


def ledger(notices: int = 3, **told: dict[str, Any]) -> Ledger:
    """A site with one thing of each kind and some notices; `told` is what its events said."""
    events = {stream: {1: one} for stream, one in (TOLD | told).items()}
    events["notice"] = {seq: event(seq) for seq in range(1, notices + 1)}
    heads = {stream: (1, max(written)) for stream, written in events.items()}
    return Ledger(heads, events, (BOOKING,), (SESSION,), (PENALTY,))


def cloud(*notices: int, **told: dict[str, Any]) -> Store:
    store = Store()
    for stream, one in (TOLD | told).items():
        store.inboxes[stream].offer(1, 1, json.dumps(one).encode())
    for seq in notices:
        store.inboxes["notice"].offer(1, seq, json.dumps(event(seq)).encode())
    return store


def test_a_complete_cloud_is_good_and_its_figures_are_the_ledgers() -> None:
    verdict = judge(ledger(), cloud(1, 2, 3))
    assert verdict.good
    assert (verdict.events_sent, verdict.events_received, verdict.energy_wh) == (6, 6, 5200)
    assert verdict.as_json()["penalties"][0]["amount"] == "2.20"
    assert verdict.as_json()["penalties"][0]["amount_minor"] == 220


def test_a_hole_is_a_gap_and_a_loss() -> None:
    verdict = judge(ledger(), cloud(1, 3))
    assert (verdict.gaps, verdict.lost, verdict.good) == (1, 1, False)


def test_a_missing_tail_is_a_loss_although_no_hole_shows() -> None:
    verdict = judge(ledger(), cloud(1, 2))
    assert (verdict.gaps, verdict.lost, verdict.good) == (0, 1, False)


def test_a_stream_that_never_came_is_lost_whole() -> None:
    books = ledger()
    assert judge(replace(books, heads={**books.heads, "meter": (1, 2)}), cloud(1, 2, 3)).lost == 2


def test_what_happened_after_the_ledger_was_read_is_not_judged() -> None:
    store = cloud(1, 2, 3, 4, 6)
    later = {**BOOKING, "booking_id": "b-1", "rev": 3, "status": "CANCELED"}
    store.inboxes["booking"].offer(1, 2, json.dumps(event(2, **later)).encode())
    verdict = judge(ledger(), store)
    assert (verdict.gaps, verdict.lost, verdict.events_received) == (0, 0, 6)
    assert verdict.good


def test_a_repeat_is_no_fault() -> None:
    verdict = judge(ledger(), cloud(1, 2, 2, 3))
    assert (verdict.duplicates, verdict.good) == (1, True)


def test_another_wording_of_an_event_is_a_fault() -> None:
    verdict = judge(ledger(), cloud(1, 2, 3, penalty=told_of("penalty", {**PENALTY, "extra": 1})))
    assert (verdict.altered, verdict.lost, verdict.good) == (1, 0, False)


def test_a_ledger_that_differs_from_what_it_told_is_found_out() -> None:
    penalty = told_of("penalty", {**PENALTY, "amount_minor": 230, "minor_digits": 2})
    assert judge(ledger(penalty=penalty), cloud(1, 2, 3, penalty=penalty)).differences == [
        "penalty p-1: amount_minor is 220 at the site and 230 in the cloud"
    ]


def test_an_amount_that_its_evidence_does_not_bear_is_told() -> None:
    wrong = {**PENALTY, "amount_minor": 240, "minor_digits": 2}
    penalty = told_of("penalty", wrong)
    books = replace(ledger(penalty=penalty), penalties=(wrong,))
    assert judge(books, cloud(1, 2, 3, penalty=penalty)).differences == [
        "penalty p-1: 240 in the ledger, by hand idle 958 s - 300 s grace = 658 s, "
        "rounded up to 11 min x 0.20 EUR = 2.20 EUR"
    ]


def test_a_thing_that_only_one_side_knows_is_told() -> None:
    books = replace(ledger(), bookings=(BOOKING, {**BOOKING, "id": "b-2"}), sessions=())
    assert judge(books, cloud(1, 2, 3)).differences == [
        "booking b-2 is not known to the cloud",
        "session s-1 is not known to the ledger",
    ]


def test_the_energy_of_an_ended_session_must_be_the_same() -> None:
    assert not judge(replace(ledger(), sessions=({**SESSION, "energy_wh": 5100},)), cloud(1, 2, 3)).good


def test_the_energy_of_a_running_session_may_be_ahead_of_what_was_told() -> None:
    session = told_of("session", {**SESSION, "status": "ACTIVE"})
    running = {**SESSION, "status": "ACTIVE", "energy_wh": 5300}
    assert judge(replace(ledger(session=session), sessions=(running,)), cloud(1, 2, 3, session=session)).good
