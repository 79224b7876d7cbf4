"""Values of a device for people: number, unit, quality, age and reason."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baywarden_config.layout import age, said, table

Row = Mapping[str, Any]
"""`point`, `value`, `unit`, `quality`, `age_s`, `reason`, `meaning`; None is unknown."""


def lines_of(rows: Sequence[Row]) -> Iterator[str]:
    """A table; what is not known is '-' with its reason."""
    cells = [
        [
            str(row["point"]),
            shown(row["value"], row["meaning"]),
            str(row["unit"] or ""),
            str(row["quality"]),
            age(row["age_s"]),
            str(row["reason"]),
        ]
        for row in rows
    ]
    yield from table(["POINT", "VALUE", "UNIT", "QUALITY", "AGE", "WHY"], cells)


def shown(value: Any, meaning: str | None = None) -> str:
    """A value for people, with what it stands for; more than three decimals are nothing that was measured."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, float):
        value = f"{value:.3f}".rstrip("0").rstrip(".")
    text = said(value)
    return f"{text} ({meaning})" if meaning else text
