"""What comes in by the doors, good and bad."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baywarden.model.command import (
    CancelBooking,
    Command,
    Door,
    FindSlots,
    PutBooking,
    Reason,
    Reply,
    Request,
    Result,
    StopSession,
)
from baywarden.model.time import ClockQuality, Now
from baywarden.sync import CommandRefused, encode_reply, parse_command, reply_object
from baywarden.sync.commands import MAX_COMMAND_BYTES, peek_id, read_replay

NOW = Now(datetime(2026, 6, 15, 9, tzinfo=UTC), 1_000_000, "boot-1")
START, END = datetime(2026, 6, 15, 10, tzinfo=UTC), datetime(2026, 6, 15, 11, tzinfo=UTC)
PUT: dict[str, Any] = {
    "booking_id": "b-1",
    "start_at": "2026-06-15T10:00:00Z",
    "end_at": "2026-06-15T11:00:00Z",
    "token": "04A1B2C3D4",
}
FIND: dict[str, Any] = {"from_at": PUT["start_at"], "to_at": PUT["end_at"], "duration_s": 900}


def body(params: object = PUT, **changes: object) -> bytes:
    whole = {"id": "c-1", "issued_at": "2026-06-15T08:59:00Z", "expires_at": "2026-06-15T09:10:00Z"}
    return json.dumps(whole | {"params": params} | changes).encode()


def parse(name: str, payload: bytes, door: Door = Door.CLOUD, now: Now = NOW) -> Command:
    return parse_command(name, payload, door=door, now=now)


def refusal(name: str, payload: bytes, door: Door = Door.CLOUD, now: Now = NOW) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        parse(name, payload, door, now)
    return caught.value


@pytest.mark.parametrize(
    ("name", "params", "request_"),
    [
        ("booking.put", PUT, PutBooking("b-1", START, END, "04A1B2C3D4")),
        (
            "booking.put",
            PUT
            | {"evse_id": "bay-1", "power_w": 11_000, "expected_rev": 2, "end_at": "2026-06-15T13:00+02:00"},
            PutBooking("b-1", START, END, "04A1B2C3D4", "bay-1", 11_000, 2),
        ),
        ("booking.cancel", {"booking_id": "b-1"}, CancelBooking("b-1")),
        ("booking.cancel", {"booking_id": "b-1", "reason": "TRAFFIC"}, CancelBooking("b-1", "TRAFFIC")),
        ("booking.find", FIND, FindSlots(START, END, 900)),
        ("booking.find", FIND | {"limit": 5, "evse_id": "bay-1"}, FindSlots(START, END, 900, 0, "bay-1", 5)),
        ("session.stop", {"session_id": "s-1"}, StopSession("s-1")),
    ],
)
def test_a_good_request_becomes_the_models_words(
    name: str, params: dict[str, Any], request_: Request
) -> None:
    command = parse(name, body(params))
    assert command.request == request_
    assert (command.id, command.name, command.door) == ("c-1", name, Door.CLOUD)
    assert command.expires_at == datetime(2026, 6, 15, 9, 10, tzinfo=UTC)


BAD: list[tuple[str, bytes, str | None, str]] = [
    ("not text", b"\xff\xfe", None, "UTF-8"),
    ("UTF-16", body().decode().encode("utf-16"), None, "UTF-8"),
    ("empty", b"", None, "must be JSON"),
    ("cut off", b'{"id":"c-1"', None, "must be JSON"),
    ("an array", b"[1]", None, "must be an object"),
    ("a number", b"7", None, "must be an object"),
    ("nested without end", b'{"id":' + b"[" * 30_000, None, "nested too deeply"),
    ("a huge number", b'{"id":"c-1","params":' + b"9" * 5000 + b"}", None, "must be JSON"),
    ("no id", body(id=None), None, "id: must be text"),
    ("an empty id", body(id=""), None, "id: "),
    ("an id with a line break", body(id="a\nb"), None, "id: "),
    ("a surrogate in the id", body(id="\ud800"), None, "Invalid JSON"),
    ("an endless id", body(id="x" * 65), None, "id: "),
    ("a number as id", body(id=7), None, "id: must be text"),
    ("an id twice", b'{"id":"a","id":"b","params":{}}', "b", "'id' comes twice"),
    ("a key twice inside", body()[:-2] + b',"token":"X"}}', None, "'token' comes twice"),
    ("no params", b'{"id":"c-1","expires_at":"2026-06-15T09:10:00Z"}', "c-1", "params: is required"),
    ("params of another kind", body([]), "c-1", "params: must be an object"),
    ("no expiry", body(expires_at=None), "c-1", "expires_at: is required from the cloud"),
    ("an expiry without zone", body(expires_at="2026-06-15T09:10:00"), "c-1", "expires_at: must be a time"),
    (
        "a missing field",
        body({key: PUT[key] for key in PUT if key != "token"}),
        "c-1",
        "params.token: is required",
    ),
    (
        "an unknown field",
        body(PUT | {"evse": "bay-1"}),
        "c-1",
        "params.evse: is not known; known are booking_id",
    ),
    ("a date only", body(PUT | {"start_at": "2026-06-15"}), "c-1", "params.start_at: must be a time"),
    ("seconds since 1970", body(PUT | {"start_at": 1_781_517_600}), "c-1", "params.start_at: must be a time"),
    ("the same as text", body(PUT | {"start_at": "1781517600"}), "c-1", "params.start_at: must be a time"),
    (
        "no such day",
        body(PUT | {"start_at": "2026-02-30T10:00:00Z"}),
        "c-1",
        "params.start_at: is not a moment",
    ),
    (
        "after all time",
        body(PUT | {"end_at": "9999-12-31T23:59:59-23:59"}),
        "c-1",
        "params.end_at: is not a moment",
    ),
    (
        "strange digits",
        body(PUT | {"end_at": "\uff12\uff1026-06-15T11:00:00Z"}),
        "c-1",
        "params.end_at: must be a time",
    ),
    (
        "an end before the start",
        body(PUT | {"end_at": PUT["start_at"]}),
        "c-1",
        "params: end_at must be later",
    ),
    ("power as text", body(PUT | {"power_w": "11000"}), "c-1", "params.power_w: must be a whole number"),
    ("power as fraction", body(PUT | {"power_w": 11.5}), "c-1", "params.power_w: must be a whole number"),
    ("power as yes", body(PUT | {"power_w": True}), "c-1", "params.power_w: must be a whole number"),
    ("negative power", body(PUT | {"power_w": -1}), "c-1", "params.power_w: "),
    ("NaN", body(PUT | {"power_w": float("nan")}), None, "NaN is no JSON number"),
    ("infinity", body(PUT | {"power_w": float("inf")}), None, "Infinity is no JSON number"),
    ("a long token", body(PUT | {"token": "x" * 65}), "c-1", "params.token: "),
    ("a token with a blank", body(PUT | {"token": "a b"}), "c-1", "params.token: "),
    ("an outlet in capitals", body(PUT | {"evse_id": "Bay 1"}), "c-1", "params.evse_id: "),
    ("revision zero", body(PUT | {"expected_rev": 0}), "c-1", "params.expected_rev: "),
    ("too many bytes", body(PUT | {"x": "y" * MAX_COMMAND_BYTES}), "c-1", "at most 65536 are read"),
]


@pytest.mark.parametrize(("what", "payload", "command_id", "detail"), BAD, ids=[line[0] for line in BAD])
def test_a_bad_request_is_refused_with_the_place_and_what_is_right(
    what: str, payload: bytes, command_id: str | None, detail: str
) -> None:
    refused = refusal("booking.put", payload)
    assert refused.reason is Reason.INVALID
    assert detail in refused.detail
    if command_id is not None:
        assert refused.id == command_id


@pytest.mark.parametrize(
    ("name", "params", "detail"),
    [
        ("booking.cancel", {"booking_id": "b-1", "reason": "BORED"}, "params.reason: "),
        ("booking.find", FIND | {"duration_s": 0}, "params.duration_s: "),
        ("booking.find", FIND | {"to_at": FIND["from_at"]}, "to_at must be later"),
        ("booking.find", FIND | {"limit": 101}, "params.limit: "),
        ("session.stop", {}, "params.session_id: is required"),
    ],
)
def test_each_request_has_its_own_rules(name: str, params: dict[str, Any], detail: str) -> None:
    assert detail in refusal(name, body(params)).detail


def test_all_faults_are_told_at_once_but_no_values() -> None:
    detail = refusal("booking.put", body({"booking_id": 1, "token": "secret token"})).detail
    assert detail.count("; ") == 3
    assert "secret" not in detail


def test_an_unknown_command_names_the_known_ones() -> None:
    refused = refusal("site.explode", body())
    assert (refused.id, refused.reason) == ("c-1", Reason.NOT_SUPPORTED)
    assert "booking.put" in refused.detail


def test_a_command_that_comes_at_its_expiry_is_too_late() -> None:
    late = replace(NOW, at=datetime(2026, 6, 15, 9, 10, tzinfo=UTC))
    assert refusal("booking.put", body(), now=late).reason is Reason.COMMAND_EXPIRED


def test_a_clock_that_is_not_trusted_judges_no_expiry() -> None:
    late = replace(NOW, at=datetime(2027, 1, 1, tzinfo=UTC), quality=ClockQuality.UNKNOWN)
    assert parse("booking.put", body(), now=late).id == "c-1"


def test_the_local_door_needs_no_expiry() -> None:
    assert parse("booking.put", body(expires_at=None), Door.LOCAL).expires_at is None


def test_fields_beside_the_params_are_let_pass() -> None:
    assert parse("booking.put", body(traceparent="00-1")).id == "c-1"


@pytest.mark.parametrize(
    "changes", [{"from_seq": 0}, {"to_seq": 4}, {"to_seq": 100_005}, {"stream": "gossip"}, {"epoch": -1}]
)
def test_a_replay_is_bounded(changes: dict[str, Any]) -> None:
    good = {"stream": "penalty", "epoch": 1, "from_seq": 5, "to_seq": 9}
    assert read_replay(body(good), door=Door.CLOUD, now=NOW).wanted.to_seq == 9
    with pytest.raises(CommandRefused):
        read_replay(body(good | changes), door=Door.CLOUD, now=NOW)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_get_past_the_refusal(payload: bytes) -> None:
    assert refusal("booking.put", payload).reason is Reason.INVALID


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*PUT, "x"]), inner),
        max_leaves=8,
    )
)
def test_no_params_get_past_the_refusal(params: object) -> None:
    assert refusal("booking.put", body(params)).reason is Reason.INVALID


def test_an_answer_is_plain_json_with_times_in_utc() -> None:
    reply = Reply("c-1", Result.REJECTED, Reason.SLOT_TAKEN, "taken", 3, {"free": [{"start_at": START}]})
    assert reply_object(reply) == {
        "id": "c-1",
        "result": "REJECTED",
        "reason": "SLOT_TAKEN",
        "detail": "taken",
        "rev": 3,
        "data": {"free": [{"start_at": "2026-06-15T10:00:00Z"}]},
    }
    assert json.loads(encode_reply(reply)) == reply_object(reply)


def test_a_refusal_without_an_id_has_nobody_to_answer() -> None:
    assert CommandRefused(None, Reason.INVALID, "x").reply() is None
    assert peek_id(b'{"id":"c-1","params":7}') == "c-1"
