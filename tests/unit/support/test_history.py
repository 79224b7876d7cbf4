"""The history checker finds each kind of loss: a checker that is always content proves nothing."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from baywarden.model.overstay import Basis, OverstayPolicy
from support import fuse, history
from support.booking_witness import Asked
from support.car_park import Visit
from support.kill_site import Kills

POLICY = OverstayPolicy("std", "EUR", "UTC", Basis.CHARGE_END, Decimal("0.20"), grace_s=60)
FEE = 500
AT = "2026-06-15T09:{:02d}:00Z"
STAMP = 1_781_514_000.0

Things = dict[str, list[dict[str, Any]]]


def sound() -> tuple[list[Asked], Things, Things]:
    """Two bookings, one of them missed, and a car that idled for five minutes: answers, rows, told events."""
    kept = booking("b-1", "bay-1", 10, 20)
    missed = booking("b-2", "bay-1", 30, 40)
    no_show = missed | {"rev": 2, "status": "NO_SHOW"}
    evidence = [
        {"state": "CHARGING", "from_at": AT.format(0), "duration_ms": 600_000, "occupancy_pct": 50},
        {"state": "SUSPENDED_EV", "from_at": AT.format(10), "duration_ms": 300_000, "occupancy_pct": 50},
    ]
    session = {
        "id": "s-1", "status": "COMPLETED", "evse_id": "bay-2", "penalty_id": "s-1-overstay", "booking_id": None,
        "segments": evidence, "booking_end_at": None,
    }  # fmt: skip
    overstay = {
        "id": "s-1-overstay", "kind": "OVERSTAY", "status": "FINAL", "rev": 2, "evse_id": "bay-2",
        "amount_minor": 80, "billed_s": 240, "billable_s": 240, "session_id": "s-1", "booking_id": None,
        "from_at": AT.format(11), "to_at": AT.format(15), "evidence": evidence, "booking_end_at": None,
    }  # fmt: skip
    fee = overstay | {
        "id": "b-2-no-show", "kind": "NO_SHOW", "amount_minor": FEE, "session_id": None, "booking_id": "b-2",
        "evidence": [], "billable_s": 0, "billed_s": 0, "rev": 1,
    }  # fmt: skip
    rows: Things = {
        "bookings": [kept, no_show], "sessions": [session], "penalties": [overstay, fee], "notices": [{"key": "k-1"}],
    }  # fmt: skip
    growing = overstay | {"rev": 1, "status": "ACCRUING", "amount_minor": 20}
    told: Things = {
        "booking": [told_as(one, "booking_id") for one in (kept, missed, no_show)],
        "session": [told_as(session, "session_id")],
        "penalty": [told_as(one, "penalty_id") for one in (growing, overstay, fee)],
        "notice": [{"key": "k-1"}],
    }
    return [asked("w-1", kept), asked("w-2", missed)], rows, told


def booking(key: str, bay: str, start: int, end: int) -> dict[str, Any]:
    return {
        "id": key, "rev": 1, "status": "RESERVED", "evse_id": bay, "token": "T", "session_id": None,
        "start_at": AT.format(start), "end_at": AT.format(end),
    }  # fmt: skip


def told_as(row: dict[str, Any], key: str) -> dict[str, Any]:
    return row | {key: row["id"]}


def asked(command_id: str, row: dict[str, Any]) -> Asked:
    params = {name: row[name] for name in ("start_at", "end_at", "token", "evse_id")} | {
        "booking_id": row["id"]
    }
    verdict = {
        "id": command_id, "result": "ACCEPTED", "reason": None, "rev": 1, "data": {"evse_id": row["evse_id"]},
    }  # fmt: skip
    return Asked(command_id, "booking.put", params, b"", 0.0, 1, [verdict, dict(verdict)])


def complaints(
    answers: list[Asked], rows: Things, told: Things, lost: tuple[str, int] | None = None
) -> list[str]:
    """What the checker says of a history in which the cloud `lost` one event."""
    events = {
        stream: {(1, seq): json.dumps({"data": data}).encode() for seq, data in enumerate(all_told, 1)}
        for stream, all_told in told.items()
    }
    in_cloud = {
        stream: (1, {seq: body for (_, seq), body in all_.items()}) for stream, all_ in events.items()
    }
    if lost is not None:
        del in_cloud[lost[0]][1][lost[1]]
    ledger = history.Ledger(rows, {one.id: one.answers[0] for one in answers if one.answers}, events)
    mirror = history.Mirror(in_cloud, {stream: (1, len(all_)) for stream, all_ in events.items()})
    return history.judge(answers, ledger, mirror, POLICY, FEE).wrong


def test_a_sound_history_has_no_complaint() -> None:
    assert complaints(*sound()) == []


def _set(things: Things, name: str, place: int, **changes: Any) -> None:
    things[name][place] = things[name][place] | changes


HARMS: dict[str, Callable[[list[Asked], Things, Things], object]] = {
    "an acknowledged booking is gone": lambda a, r, t: (r["bookings"].pop(0), t["booking"].pop(0)),
    "a command was never answered": lambda a, r, t: a[0].answers.clear(),
    "a second answer differs": lambda a, r, t: a[0].answers.append(dict(a[0].answers[0], rev=2)),
    "an older revision was kept": lambda a, r, t: a[0].answers.__setitem__(slice(0, 2), [dict(a[0].answers[0], rev=7)]),
    "other hours were kept": lambda a, r, t: _set(t, "booking", 0, end_at=AT.format(21)),
    "two bookings overlap": lambda a, r, t: _set(t, "booking", 1, start_at=AT.format(19)),
    "a revision was told twice": lambda a, r, t: t["booking"].append(t["booking"][-1]),
    "a penalty is there twice": lambda a, r, t: r["penalties"].append(r["penalties"][0] | {"id": "again"}),
    "a penalty is lost": lambda a, r, t: r["penalties"].pop(0),
    "a final penalty was told again": lambda a, r, t: t["penalty"].append(t["penalty"][1]),
    "a final penalty changed": lambda a, r, t: _set(r, "penalties", 0, amount_minor=100),
    "more seconds were billed than lived": lambda a, r, t: _set(r, "penalties", 0, billed_s=300),
    "a fee for one who came": lambda a, r, t: _set(r, "bookings", 1, status="FULFILLED"),
    "an idle session owes nothing": lambda a, r, t: [r["penalties"].pop(0), r["sessions"][0].update(penalty_id=None)],
    "a notice was told twice": lambda a, r, t: t["notice"].append({"key": "k-1"}),
    "a row was never told": lambda a, r, t: r["bookings"].append(booking("b-3", "bay-3", 10, 20)),
    "the last word is another": lambda a, r, t: _set(r, "sessions", 0, status="ACTIVE"),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARMS)
def test_each_harm_is_found(harm: str) -> None:
    answers, rows, told = deepcopy(sound())
    HARMS[harm](answers, rows, told)
    assert complaints(answers, rows, told) != []


@pytest.mark.parametrize("lost", [("booking", 1), ("penalty", 2), ("notice", 1)])
def test_an_event_that_the_cloud_lacks_is_found(lost: tuple[str, int]) -> None:
    assert complaints(*sound(), lost=lost) != []


def test_the_physics_finds_who_stood_for_long_and_owes_nothing_and_who_pays_for_too_much() -> None:
    _, rows, _ = sound()
    ledger = history.Ledger(rows, {}, {})
    visit = Visit("bay-2", STAMP, STAMP + 900, STAMP + 600, STAMP + 900)

    def seen(ledger: history.Ledger, visit: Visit) -> list[str]:
        return list(history.overstays_as_seen(ledger, [visit], [], POLICY, 30))

    assert seen(ledger, visit) == []
    assert seen(ledger, replace(visit, full_at=STAMP + 800)) != []
    assert seen(history.Ledger(rows | {"penalties": []}, {}, {}), visit) != []


def changes(*told: tuple[float, str, float, str]) -> list[fuse.Change]:
    return [{"at_s": at, "outlet": bay, "allowed_a": amps, "why": why} for at, bay, amps, why in told]


def test_a_sum_of_limits_over_the_fuse_is_found_from_the_first_told_limits_on() -> None:
    notes = changes(
        (0, "a", 16, "start"), (0, "b", 16, "start"), (5, "a", 10, "written"), (6, "b", 10, "written"),
        (20, "b", 11, "written"), (24, "a", 6, "written"), (30, "b", 0, "written"),
        (40, "b", 15, "failsafe"), (50, "b", 0, "written"),
    )  # fmt: skip
    over = fuse.over_limit(notes, ("a", "b"), 20)
    assert [(one.from_s, one.to_s, one.sum_a) for one in over] == [(20, 24, 21), (40, 50, 21)]
    assert [one.from_s for one in fuse.unexcused(over, [(39, 51)])] == [20]
    assert [one.from_s for one in fuse.unexcused(over, [(0, 45)])] == [20, 40]
    assert [fuse.worked_s(one, [(21, 22), (23, 99)]) for one in over] == [2, 0]
    assert [one.from_s for one in fuse.over_limit(fuse.as_told(notes), ("a", "b"), 20)] == [20]


def test_who_only_comes_back_from_its_fail_safe_was_told_nothing() -> None:
    notes = changes(
        (0, "a", 16, "start"), (0, "b", 16, "start"), (5, "b", 0, "failsafe"), (8, "b", 16, "written"),
        (9, "a", 10, "written"), (12, "b", 10, "written"), (20, "b", 16, "written"), (30, "b", 6, "written"),
    )  # fmt: skip
    assert [one.from_s for one in fuse.over_limit(notes, ("a", "b"), 20)] == [20]
    assert [one.from_s for one in fuse.over_limit(fuse.as_told(notes), ("a", "b"), 20)] == [20]


def test_stretches_in_which_nobody_worked_are_counted_once() -> None:
    kills = Kills()
    for stretch in ((50, 60), (10, 20), (15, 30), (58, 59)):
        kills.nobody_worked(*stretch)
    assert kills.off == [(10, 30), (50, 60)]
