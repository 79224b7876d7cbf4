"""Hypothesis strategies for any frozen record of the model, by its type hints."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (the zone comes after)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
_PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    datetime: MOMENTS,
    time: st.times(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
    Any: JSON,
}


def made_up(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the model."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: made_up(hints[field.name]) for field in fields(hint)})
    return _composed(hint, get_origin(hint), get_args(hint))


def _composed(hint: Any, origin: Any, parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin in (Union, types.UnionType):
        return st.one_of([made_up(part) for part in parts])
    if origin is frozenset:
        return st.frozensets(made_up(parts[0]), max_size=3)
    if origin is tuple:
        if parts[-1] is Ellipsis:
            return st.lists(made_up(parts[0]), max_size=2).map(tuple)
        return st.tuples(*(made_up(part) for part in parts))
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(made_up(parts[0]), made_up(parts[1]), max_size=3)
    raise TypeError(f"nothing is made up for {hint}")
