"""Aligned, plain text. What is not known is '-', never 0."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

UNKNOWN = "-"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table; columns of numbers are aligned to the right."""
    widths = [max(len(line[at]) for line in (headers, *rows)) for at in range(len(headers))]
    right = [
        any(row[at] != UNKNOWN for row in rows) and all(_is_number(row[at]) for row in rows)
        for at in range(len(headers))
    ]
    return [
        "  ".join(
            _padded(cell, width, flush) for cell, width, flush in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in (headers, *rows)
    ]


def said(value: Any, unit: str = "") -> str:
    """A value with its unit, or '-'."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value = f"{value:.10g}"
    return f"{value} {unit}".rstrip()


def phases(values: Any) -> str:
    """Values of the three phases as a/b/c."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return UNKNOWN
    if all(value is None for value in values):
        return UNKNOWN
    return "/".join(said(value) for value in values)


def money(item: Mapping[str, Any]) -> str:
    """amount_minor in the currency's own digits."""
    minor = item.get("amount_minor")
    if not isinstance(minor, int):
        return UNKNOWN
    amount = Decimal(minor).scaleb(-int(item.get("minor_digits", 2)))
    return f"{amount:f} {item.get('currency', '')}".rstrip()


def token(value: Any) -> str:
    """The last four characters: a token is personal data."""
    text = said(value)
    return text if len(text) <= 4 else f"..{text[-4:]}"


def age(seconds: Any) -> str:
    """How old a reading is."""
    if not isinstance(seconds, int | float):
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _is_number(text: str) -> bool:
    return text == UNKNOWN or text.replace(".", "", 1).isdigit()


def _padded(text: str, width: int, flush: bool) -> str:
    return text.rjust(width) if flush else text.ljust(width)
