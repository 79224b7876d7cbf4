"""What the errors of the machine and of pydantic mean, for whoever reads them."""

import errno
import re
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final

_REASONS: Final[Mapping[int, str]] = {
    errno.ENOENT: "it is not there",
    errno.ENOTDIR: "a part of its path is no folder",
    errno.EISDIR: "it is a folder",
    errno.EEXIST: "it is there already",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the disk is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EMFILE: "too many files are open",
    errno.EIO: "it fails to read or write: was it unplugged?",
    errno.ENOTTY: "it is no serial port",
    errno.ENXIO: "nothing is behind it",
    errno.ENODEV: "nothing is behind it",
    errno.EBUSY: "another program uses it",
    errno.EAGAIN: "another program uses it",
    errno.EADDRINUSE: "the port is taken",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.ECONNREFUSED: "nobody listens there (connection refused)",
    errno.ECONNRESET: "the other side broke it off",
    errno.EPIPE: "the other side broke it off",
    errno.ETIMEDOUT: "no answer in time",
    errno.EHOSTUNREACH: "there is no way to that host",
    errno.ENETUNREACH: "there is no way to that network",
    errno.ENETDOWN: "the network is down",
}

_TOLD: Final = re.compile(r"(?:Errno |\()(-?\d+)[\],]")


def reason_of(error: BaseException) -> str:
    """Why it failed, in words; as the machine says it where nothing better is known."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    if isinstance(error, socket.gaierror) or "Name or service not known" in str(error):
        return "that name is not known"
    if isinstance(error, TimeoutError):
        return _REASONS[errno.ETIMEDOUT]
    number = _number_of(error)
    if number in _REASONS:
        return _REASONS[number]
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `word`, if any does."""
    from difflib import get_close_matches  # noqa: PLC0415 (only a fault needs it, and it would stay for good)

    return next(iter(get_close_matches(word, known, n=1)), None)


def _number_of(error: BaseException) -> int:
    """The machine's number of the error, also where a library has put it into its own words; 0 for none."""
    found = getattr(error, "errno", None) or next(
        (one for one in error.args[:1] if isinstance(one, int)), None
    )
    if isinstance(found, int):
        return found
    told = _TOLD.findall(str(error))
    return int(told[-1]) if told else 0


_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("gt", "must be above {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be below {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "too_long": ("max_length", "must have at most {} entries"),
    "literal_error": ("expected", "must be one of {}"),
    "enum": ("expected", "must be one of {}"),
}
_SHAPES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "too_short": "has too few entries",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}


def complaint_of(error: Mapping[str, Any]) -> str:
    """One complaint of pydantic (as in `ValidationError.errors()`) in words for whoever wrote the file."""
    kind, given = str(error["type"]), error.get("ctx", {})
    if kind in _LIMITS:
        key, text = _LIMITS[kind]
        bound = given.get(key, "")
        shown = str(bound).replace(" or ", ", ") if key == "expected" else bound
        return text.format(int(shown) if isinstance(shown, float) and shown.is_integer() else shown)
    return _SHAPES.get(kind, str(error["msg"]).removeprefix("Value error, "))
