"""The history checker: from independent records it proves what a killed daemon must have kept. Pure.

Each law yields a sentence for each breach; a sound history yields none. The records are the witness's answers,
the rows of ledger.db as plain SQLite gives them, the bytes that the cloud applied, and what really happened at
the bays and wires.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from baywarden.model.overstay import ClockState, OverstayPolicy, Segment
from baywarden.policy.overstay import assess
from support.booking_witness import Asked
from support.car_park import Visit

Row = Mapping[str, Any]
TABLES: Final = ("bookings", "sessions", "penalties", "notices")
_LIVE: Final = ("PENDING", "RESERVED")


@dataclass(frozen=True)
class Ledger:
    """What ledger.db holds: rows as plain JSON, answers by command id, events as bytes by stream, epoch and number."""

    rows: Mapping[str, Sequence[Row]]
    answers: Mapping[str, Row]
    events: Mapping[str, Mapping[tuple[int, int], bytes]]

    def told(self, stream: str) -> list[Row]:
        """The data of a stream's events, in order."""
        events = self.events.get(stream, {})
        return [json.loads(events[number])["data"] for number in sorted(events)]


@dataclass(frozen=True)
class Mirror:
    """What the cloud applied: by stream the epoch and the bytes by number; where the site said each stream stood."""

    applied: Mapping[str, tuple[int, Mapping[int, bytes]]]
    heads: Mapping[str, tuple[int, int]]
    altered: int = 0


@dataclass
class Found:
    """What was proven about and what was wrong."""

    counted: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def read_ledger(path: Path) -> Ledger:
    """With nothing but SQLite. The daemon must have stopped."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as books:
        rows = {
            name: [json.loads(body) for (body,) in books.execute(_BODIES.format(name))] for name in TABLES
        }
        answers = {key: json.loads(body) for key, body in books.execute("SELECT id, body FROM commands")}
        events: dict[str, dict[tuple[int, int], bytes]] = defaultdict(dict)
        for stream, epoch, seq, body in books.execute("SELECT stream, epoch, seq, body FROM events"):
            events[stream][epoch, seq] = bytes(body)
        assert books.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return Ledger(rows, answers, events)


_BODIES: Final = "SELECT body FROM {} ORDER BY id"


def judge(asked: Iterable[Asked], ledger: Ledger, mirror: Mirror, policy: OverstayPolicy, fee: int) -> Found:
    """All laws that need no physics."""
    found = Found()
    asked = list(asked)
    found.wrong += acknowledged(asked, ledger)
    found.wrong += one_answer(asked)
    found.wrong += overlaps(ledger)
    found.wrong += penalties(ledger, policy, fee)
    found.wrong += notices(ledger)
    found.wrong += mirrored(ledger, mirror)
    found.wrong += told_as_written(ledger)
    found.counted["commands"] = len(asked)
    found.counted["acknowledged"] = sum((one.verdict or {}).get("result") == "ACCEPTED" for one in asked)
    found.counted["refused"] = sum((one.verdict or {}).get("result") == "REJECTED" for one in asked)
    found.counted["asked more than once"] = sum(one.asked_times > 1 for one in asked)
    found.counted["events"] = sum(len(events) for events in ledger.events.values())
    for name in TABLES:
        found.counted[name] = len(ledger.rows[name])
    for row in ledger.rows["penalties"]:
        found.counted[f"{row['kind']} {row['status']}"] += 1
    for row in ledger.rows["bookings"]:
        found.counted[f"bookings {row['status']}"] += 1
    return found


def acknowledged(asked: Iterable[Asked], ledger: Ledger) -> Iterator[str]:
    """Every promise is in the ledger once, at its revision or a later one, and as it was promised."""
    rows = {row["id"]: row for row in ledger.rows["bookings"]}
    told = {(event["booking_id"], event["rev"]): event for event in ledger.told("booking")}
    for one in asked:
        verdict = one.verdict
        if verdict is None:
            yield f"{one.id} was never answered"
            continue
        if one.id not in ledger.answers:
            yield f"the answer to {one.id} is not in the ledger: {verdict}"
        elif _essence(ledger.answers[one.id]) != _essence(verdict):
            yield f"{one.id} was answered {verdict}, the ledger holds {ledger.answers[one.id]}"
        if verdict["result"] != "ACCEPTED":
            continue
        booking_id, rev = one.params["booking_id"], verdict["rev"]
        row, event = rows.get(booking_id), told.get((booking_id, rev))
        if row is None or row["rev"] < rev:
            yield f"{one.id}: {booking_id} was acknowledged at revision {rev}, the ledger holds {row}"
        elif event is None:
            yield f"{one.id}: revision {rev} of {booking_id} was acknowledged and never told"
        else:
            yield from _as_promised(one, verdict, event)


def _as_promised(one: Asked, verdict: Row, event: Row) -> Iterator[str]:
    if one.name == "booking.cancel":
        if event["status"] != "CANCELED":
            yield f"{one.id}: canceled, yet revision {event['rev']} is {event['status']}"
        return
    for name in ("start_at", "end_at"):
        if _moment(event[name]) != _moment(one.params[name]):
            yield f"{one.id}: {name} {one.params[name]} was acknowledged, {event[name]} was kept"
    if event["token"] != one.params["token"] or event["evse_id"] != verdict["data"]["evse_id"]:
        yield f"{one.id}: token or outlet are not those that were acknowledged: {event}"


def one_answer(asked: Iterable[Asked]) -> Iterator[str]:
    """The same command id has the same verdict however often it is asked."""
    for one in asked:
        for answer in one.answers:
            if answer["result"] in ("ACCEPTED", "REJECTED") and answer != one.verdict:
                yield f"{one.id} was answered {one.verdict} and later {answer}"


def overlaps(ledger: Ledger) -> Iterator[str]:
    """At no moment of the history two living bookings want one outlet at one time; each revision is told once."""
    living: dict[str, Row] = {}
    revisions: dict[str, int] = {}
    for event in ledger.told("booking"):
        booking_id = event["booking_id"]
        if event["rev"] <= revisions.get(booking_id, 0):
            yield f"{booking_id}: revision {event['rev']} after {revisions[booking_id]}"
        revisions[booking_id] = event["rev"]
        living.pop(booking_id, None)
        if event["status"] not in _LIVE:
            continue
        for other in living.values():
            if other["evse_id"] == event["evse_id"] and _clash(other, event):
                yield f"{booking_id} and {other['booking_id']} overlap on {event['evse_id']}"
        living[booking_id] = event


def _clash(one: Row, other: Row) -> bool:
    return _moment(one["start_at"]) < _moment(other["end_at"]) and _moment(other["start_at"]) < _moment(
        one["end_at"]
    )


def penalties(ledger: Ledger, policy: OverstayPolicy, fee: int) -> Iterator[str]:
    """One of a kind for each session or booking, FINAL once and for ever, each amount recomputed from its evidence."""
    rows = ledger.rows["penalties"]
    for kind, thing in (("OVERSTAY", "session_id"), ("NO_SHOW", "booking_id")):
        times = Counter(row[thing] for row in rows if row["kind"] == kind)
        yield from (f"{count} penalties {kind} for {key}" for key, count in times.items() if count > 1)
    sessions = {row["id"]: row for row in ledger.rows["sessions"]}
    bookings = {row["id"]: row for row in ledger.rows["bookings"]}
    for row in rows:
        if row["kind"] == "OVERSTAY":
            session = sessions.get(row["session_id"])
            if session is None or session["penalty_id"] != row["id"]:
                yield f"penalty {row['id']}: its session does not know it"
            amount, billed_s = recomputed(row, policy)
            if (amount, billed_s) != (row["amount_minor"], row["billed_s"]):
                written = f"{row['amount_minor']} for {row['billed_s']} s"
                yield f"penalty {row['id']}: {written}, recomputed {amount} for {billed_s} s"
        elif row["amount_minor"] != fee or bookings[row["booking_id"]]["status"] != "NO_SHOW":
            yield f"penalty {row['id']}: {row['amount_minor']} for {bookings[row['booking_id']]['status']}"
    yield from _final_for_ever(ledger)
    for row in sessions.values():
        owes = assess(policy, _segments(row["segments"]), _end_of(row)).amount_minor
        if row["status"] == "COMPLETED" and owes and row["penalty_id"] is None:
            yield f"session {row['id']} owes {owes} and has no penalty"


def _final_for_ever(ledger: Ledger) -> Iterator[str]:
    final: dict[str, Row] = {}
    for event in ledger.told("penalty"):
        key = event["penalty_id"]
        if key in final:
            yield f"penalty {key} was FINAL and told again as {event['status']} {event['amount_minor']}"
        if event["status"] == "FINAL":
            final[key] = event
    for row in ledger.rows["penalties"]:
        told = final.pop(row["id"], None)
        if (row["status"] == "FINAL") != (told is not None):
            yield f"penalty {row['id']} is {row['status']} in the ledger and was told as {told}"
        elif told is not None and told["amount_minor"] != row["amount_minor"]:
            yield f"penalty {row['id']}: {told['amount_minor']} was told, {row['amount_minor']} is written"
    yield from (f"penalty {key} was told FINAL and is not in the ledger" for key in final)


def recomputed(row: Row, policy: OverstayPolicy) -> tuple[int, int]:
    """Amount and billed seconds of an overstay, from its own evidence: by the rule, and with paper and pencil."""
    segments = _segments(row["evidence"])
    due = assess(policy, segments, _end_of(row))
    idle_ms, has_charged = 0, False
    for segment in segments:
        has_charged = has_charged or (segment.state is ClockState.CHARGING and segment.duration_ms > 0)
        if has_charged and segment.state is ClockState.SUSPENDED_EV:
            idle_ms += segment.duration_ms
    billable_s = max(0, idle_ms - policy.grace_s * 1000) // 1000
    steps = -(-billable_s // policy.step_s)
    by_hand = policy.rate_per_min * steps * policy.step_s / 60 * Decimal(10) ** policy.minor_digits
    assert due.amount_minor == by_hand, f"the rule says {due.amount_minor}, paper says {by_hand}: {row['id']}"
    return due.amount_minor, due.billed_s


def overstays_as_seen(
    ledger: Ledger,
    visits: Sequence[Visit],
    off: Sequence[tuple[float, float]],
    policy: OverstayPolicy,
    blind_s: float,
) -> Iterator[str]:
    """Who stood full for long has paid, and nobody paid for more than he stood; `blind_s` is what nobody could see.

    The time in which the daemon was off may be billed (it knows the state before and after) or not. A charge that
    nobody could see (it was over within the blind time of the daemon being on) starts no clock: that is no fault.
    """
    owed = [row for row in ledger.rows["penalties"] if row["kind"] == "OVERSTAY" and row["status"] == "FINAL"]
    for visit in visits:
        assert visit.left_at is not None
        came_at, left_at = visit.came_at, visit.left_at
        full_at = left_at if visit.full_at is None else visit.full_at
        off_s = _common_s(off, came_at, left_at)
        seen_charging_s = full_at - came_at - _common_s(off, came_at, full_at)
        mine = [r for r in owed if r["evse_id"] == visit.bay and came_at < _stamp(r["from_at"]) < left_at]
        if visit.full_s > policy.grace_s + off_s + blind_s and seen_charging_s > blind_s and not mine:
            yield f"{visit} stood full for {visit.full_s:.0f} s and owes nothing"
    for row in owed:
        began, ended = (_stamp(row["evidence"][0]["from_at"]), _stamp(row["to_at"]))
        seen = [
            v for v in visits if v.bay == row["evse_id"] and v.came_at < ended and (v.left_at or 0) > began
        ]
        full_s = sum(visit.full_s for visit in seen)
        if row["billable_s"] > full_s - policy.grace_s + blind_s:
            yield f"penalty {row['id']} bills {row['billable_s']} s; the car stood full for {full_s:.0f} s"


def _common_s(spans: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """How much of [begin, end) the spans cover."""
    return sum(max(0.0, min(until, end) - max(since, begin)) for since, until in spans)


def _stamp(text: str) -> float:
    return _moment(text).timestamp()


def _segments(rows: Iterable[Row]) -> list[Segment]:
    return [
        Segment(ClockState(r["state"]), _moment(r["from_at"]), r["duration_ms"], r["occupancy_pct"])
        for r in rows
    ]


def _end_of(row: Row) -> datetime | None:
    return None if row["booking_end_at"] is None else _moment(row["booking_end_at"])


def notices(ledger: Ledger) -> Iterator[str]:
    """Each key is raised and told once."""
    keys = Counter(event["key"] for event in ledger.told("notice"))
    yield from (f"notice {key} was told {count} times" for key, count in keys.items() if count > 1)
    written = {row["key"] for row in ledger.rows["notices"]}
    yield from (f"notice {key} is only in one of ledger and history" for key in written ^ set(keys))


def mirrored(ledger: Ledger, mirror: Mirror) -> Iterator[str]:
    """The cloud applied what the site wrote: byte for byte, in order, without gaps, in one epoch."""
    if mirror.altered:
        yield f"{mirror.altered} events came again with other bytes"
    for stream, (epoch, last_seq) in mirror.heads.items():
        in_cloud, applied = mirror.applied[stream]
        written = ledger.events.get(stream, {})
        if {number[0] for number in written} != {epoch} or in_cloud != epoch:
            yield f"{stream}: epochs {sorted({n[0] for n in written})} at the site, {in_cloud} in the cloud"
        if sorted(seq for _, seq in written) != list(range(1, len(written) + 1)):
            yield f"{stream}: the ledger's numbers have a gap"
        if missing := [seq for seq in range(1, last_seq + 1) if seq not in applied]:
            yield f"{stream}: the cloud lacks {missing}"
        for seq, payload in applied.items():
            if written.get((epoch, seq)) != payload:
                yield f"{stream}: {seq} is not the same at the site and in the cloud"


def told_as_written(ledger: Ledger) -> Iterator[str]:
    """The last event of each thing says what its row says."""
    for stream, table, key, fields in (
        ("booking", "bookings", "booking_id", ("rev", "status", "evse_id", "token", "session_id")),
        ("session", "sessions", "session_id", ("status", "evse_id", "penalty_id", "booking_id")),
        ("penalty", "penalties", "penalty_id", ("rev", "status", "amount_minor", "billed_s", "session_id")),
    ):
        told = {event[key]: event for event in ledger.told(stream)}
        rows = {row["id"]: row for row in ledger.rows[table]}
        yield from (f"{stream} {one} is only in one of ledger and history" for one in set(told) ^ set(rows))
        for one in set(told) & set(rows):
            yield from (
                f"{stream} {one}: {name} is {rows[one][name]}, told was {told[one][name]}"
                for name in fields
                if rows[one][name] != told[one][name]
            )


def _essence(answer: Row) -> tuple[Any, ...]:
    return tuple(answer.get(name) for name in ("id", "result", "reason", "rev", "data"))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
