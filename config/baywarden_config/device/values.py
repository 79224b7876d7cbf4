"""Values of a device for people and as JSON: number, unit, quality, age and reason."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from baywarden_config.layout import age, said, table

if TYPE_CHECKING:
    from baywarden_drivers import Device
    from baywarden_drivers.value import PointValue

Row = Mapping[str, Any]
"""`point`, `value`, `unit`, `quality`, `age_s`, `reason`, `meaning`; None is unknown."""


def rows_of(device: "Device", values: "Mapping[str, PointValue]", names: Sequence[str] = ()) -> list[Row]:
    """All values, or those of the names, in the profile's order."""
    from baywarden_drivers.mono import mono_ms  # noqa: PLC0415 (not for --help)

    now_ms = mono_ms()
    chosen = [name for name in values if not names or name in names]
    return [_row(device, name, values[name], now_ms) for name in chosen]


def _row(device: "Device", name: str, value: "PointValue", now_ms: int) -> Row:
    from baywarden_drivers.value import Quality  # noqa: PLC0415 (not for --help)

    point = device.profile.readable.get(name)
    derived = next((one for one in device.profile.derive if one.name == name), None)
    unit = point.unit if point is not None else derived.unit if derived is not None else None
    is_read = value.quality is not Quality.MISSING
    return {
        "point": name,
        "value": plain(value.value),
        "unit": unit,
        "quality": value.quality.value,
        "age_s": round(max(0, now_ms - value.read_mono_ms) / 1000, 3) if is_read else None,
        "reason": value.reason,
        "meaning": meaning(point, value.value),
    }


def meaning(point: Any, value: Any) -> str | None:
    """What a raw number stands for, where the profile says so."""
    if point is None or not isinstance(value, int | Decimal):
        return None
    raw = Decimal(value) / point.scale
    found = point.values.get(int(raw)) if raw == raw.to_integral_value() else None
    return str(found) if found else None


def plain(value: Any) -> Any:
    """As JSON can say it: exact decimals become floats of as many digits, bytes hexadecimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)
    if isinstance(value, bytes):
        return value.hex()
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def lines_of(rows: Sequence[Row]) -> Iterator[str]:
    """A table; what is not known is '-' with its reason."""
    cells = [
        [
            str(row["point"]),
            _shown(row),
            said(row["unit"]) if row["unit"] else "",
            str(row["quality"]),
            age(row["age_s"]),
            str(row["reason"]),
        ]
        for row in rows
    ]
    yield from table(["POINT", "VALUE", "UNIT", "QUALITY", "AGE", "WHY"], cells)


def _shown(row: Row) -> str:
    value = row["value"]
    if isinstance(value, list):
        return " ".join(map(str, value))
    text = said(value)
    return f"{text} ({row['meaning']})" if row["meaning"] else text
