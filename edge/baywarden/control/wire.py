"""The wire of the control socket: one JSON object a line, UTF-8.

request  {"id": "...", "name": "booking.put", "params": {...}}
reply    {"id": "...", "result": "ACCEPTED", "reason": null, "detail": "", "rev": 3, "data": {...}}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DEFAULT_PATH: Final = Path("/run/baywarden/control.sock")
MAX_REQUEST_BYTES: Final = 64 * 1024
MAX_REPLY_BYTES: Final = 4 * 1024 * 1024


class WireGarbled(Exception):
    """A line that is no request or reply, and what is wrong. `id` is None when it could not be read."""

    def __init__(self, detail: str, request_id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.id = request_id


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """One request as it came in; `params` are not judged yet."""

    id: str
    name: str
    params: Mapping[str, Any]

    def payload(self) -> bytes:
        """The same as the payload of an MQTT command: both doors have one set of models."""
        return json.dumps({"id": self.id, "params": dict(self.params)}).encode()


def encode(message: Mapping[str, Any]) -> bytes:
    """One line. Raises ValueError for what JSON cannot say."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object of a line. Raises WireGarbled."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WireGarbled(f"not a line of JSON: {error}"[:200]) from None
    if not isinstance(message, dict):
        raise WireGarbled("not a JSON object")
    return message


def decode_request(line: bytes) -> ControlRequest:
    """The request of a line. Raises WireGarbled."""
    if len(line) > MAX_REQUEST_BYTES:
        raise WireGarbled(f"more than {MAX_REQUEST_BYTES} bytes")
    message = decode(line)
    request_id = message.get("id")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= 64 or _unsayable(request_id):
        raise WireGarbled("id: must be text of 1 to 64 characters")
    name, params = message.get("name"), message.get("params", {})
    if not isinstance(name, str):
        raise WireGarbled("name: must be text", request_id)
    if not isinstance(params, dict):
        raise WireGarbled("params: must be an object", request_id)
    if (why := _unsayable([name, params])) is not None:
        raise WireGarbled(why, request_id)
    return ControlRequest(request_id, name, params)


def _unsayable(value: object) -> str | None:
    """Why this could not be said back in an answer; Python reads more than JSON in UTF-8 can say."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return "a text holds half a character (a surrogate without its other half)"
    except (ValueError, RecursionError):
        return "NaN and Infinity are no JSON numbers"
    return None
