"""A line on the control socket."""

import json

import pytest

from baywarden.control.wire import MAX_REQUEST_BYTES, WireGarbled, decode, decode_request, encode


def test_a_message_is_one_line_whatever_is_in_it() -> None:
    line = encode({"id": "1", "detail": "a\nb\r\u2028 Süd"})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == {"id": "1", "detail": "a\nb\r\u2028 Süd"}


def test_a_request_has_an_id_a_name_and_perhaps_params() -> None:
    request = decode_request(b'{"id":"1","name":"status"}\n')
    assert (request.id, request.name, request.params) == ("1", "status", {})


def test_a_request_has_the_same_payload_as_a_command_by_mqtt() -> None:
    request = decode_request(b'{"id":"1","name":"session.stop","params":{"session_id":"s-1"}}')
    assert json.loads(request.payload()) == {"id": "1", "params": {"session_id": "s-1"}}


@pytest.mark.parametrize(
    ("line", "request_id", "detail"),
    [
        (b"", None, "not a line of JSON"),
        (b"hello", None, "not a line of JSON"),
        (b"\xff\xfe{", None, "not a line of JSON"),
        (b"[" * 30_000, None, "not a line of JSON"),
        (b"[]", None, "not a JSON object"),
        (b'{"name":"status"}', None, "id: must be text"),
        (b'{"id":7,"name":"status"}', None, "id: must be text"),
        (b'{"id":"","name":"status"}', None, "id: must be text"),
        (b'{"id":"1"}', "1", "name: must be text"),
        (b'{"id":"1","name":"status","params":[]}', "1", "params: must be an object"),
        (b'{"id":"\\ud800","name":"status"}', None, "id: must be text"),
        (b'{"id":"\xed\xa0\x80","name":"status"}', None, "id: must be text"),
        (b'{"id":"1","name":"\\udfff"}', "1", "half a character"),
        (b'{"id":"1","name":"status","params":{"a":["\\ud800"]}}', "1", "half a character"),
        (b'{"id":"1","name":"status","params":{"\\ud800":1}}', "1", "half a character"),
        (b'{"id":"1","name":"status","params":{"a":NaN}}', "1", "no JSON number"),
        (b'{"id":"1","name":"status","params":{"a":1e999}}', "1", "no JSON number"),
        (b'{"id":"1","name":"' + b"x" * MAX_REQUEST_BYTES + b'"}', None, "more than"),
    ],
)
def test_a_line_that_is_no_request_is_refused_with_the_place(
    line: bytes, request_id: str | None, detail: str
) -> None:
    with pytest.raises(WireGarbled, match=detail) as caught:
        decode_request(line)
    assert caught.value.id == request_id


def test_a_character_in_two_halves_is_whole() -> None:
    assert decode_request(b'{"id":"1","name":"x","params":{"a":"\\ud83d\\ude97"}}').params == {"a": "🚗"}


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode({"power_w": float("nan")})
