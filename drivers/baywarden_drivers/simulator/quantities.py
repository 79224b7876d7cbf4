"""Figures as people write them (60kWh, 16A, 40%, 5min, 00:05:00) for keys that carry their unit in the name."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

UNITS: Mapping[str, Mapping[str, float]] = {
    "_wh": {"Wh": 1, "kWh": 1_000, "MWh": 1_000_000},
    "_w": {"W": 1, "kW": 1_000, "MW": 1_000_000},
    "_a": {"A": 1, "mA": 0.001},
    "_ms": {"ms": 1, "s": 1_000, "min": 60_000},
    "_s": {"s": 1, "ms": 0.001, "min": 60, "h": 3_600, "d": 86_400},
}
"""Ending of a key to the units it may be given in, the first of them being its own."""
SHARES = frozenset({"soc", "target_soc", "share"})
"""Keys from 0 to 1, which may also be given in percent."""
OTHER_UNITS: Mapping[str, float] = {
    "V": 1,
    "Hz": 1,
    "var": 1,
    "VA": 1,
    "varh": 1,
    "kvarh": 1_000,
    "degC": 1,
    "%": 1,
}
ALIASES: Mapping[str, str] = {"leave": "leave_at_s", "current": "max_current_a"}

_FIGURE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z%]*)")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)")


def understood(request: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The same request with keys that carry units (`battery` is `battery_wh`) and plain numbers. Raises ValueError."""
    known = set(keys)
    found: dict[str, Any] = {}
    for key, value in request.items():
        name = key_of(key, known)
        if name in found:
            raise ValueError(f"{name} is given twice")
        found[name] = _plain(name, value)
    return found


def key_of(key: str, known: Iterable[str]) -> str:
    """The key that is meant: itself, or the one with its unit behind it."""
    names = set(known)
    key = key.replace("-", "_")
    if key in names:
        return key
    for candidate in (ALIASES.get(key, key), *(key + ending for ending in UNITS)):
        if candidate in names:
            return candidate
    return key


def figure(text: str, units: Mapping[str, float]) -> float:
    """The number in the first of the units. Raises ValueError that tells them."""
    found = _FIGURE.fullmatch(text.strip())
    if found is None or (found[2] and found[2] not in units):
        raise ValueError(f"{text!r} is no figure in {', '.join(units)}")
    return float(found[1]) * (units[found[2]] if found[2] else 1)


def seconds(text: str) -> float:
    """`90`, `90s`, `5min`, `1h`, `5:00` or `00:05:00`. Raises ValueError."""
    if clock := _CLOCK.fullmatch(text.strip()):
        return int(clock[1] or 0) * 3_600 + int(clock[2]) * 60 + float(clock[3])
    try:
        return figure(text, UNITS["_s"])
    except ValueError:
        raise ValueError(f"{text!r} is no time; write 90s, 5min, 1h or 00:05:00") from None


def any_figure(text: str) -> float:
    """A number in W, Wh, A, V, Hz, s or another unit of a register. Raises ValueError."""
    units: dict[str, float] = dict(OTHER_UNITS)
    for family in UNITS.values():
        units.update({unit: factor for unit, factor in family.items() if unit not in units})
    return figure(text, {**units, **UNITS["_s"]})


def _plain(key: str, value: Any) -> Any:
    """A figure in the key's own unit; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    ending = next((ending for ending in UNITS if key.endswith(ending)), None)
    if key in SHARES:
        return figure(value, {"%": 0.01})
    if ending is None:
        return value
    if ending == "_s":
        return seconds(value)
    figures = [figure(part, UNITS[ending]) for part in value.split(",")]
    return figures[0] if len(figures) == 1 else tuple(figures)
