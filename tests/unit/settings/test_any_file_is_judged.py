"""Whatever is in the file, the answer is settings or faults with places, never a crash."""

import copy
import tomllib
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden.settings import ConfigError, parse_settings, warnings_of
from baywarden_config.toml import toml_text
from support.site_toml import SOUND

RAW: Final = {**tomllib.loads(SOUND), "cloud": {"host": "broker.example.com", "username": "x"}}
WORDS: Final = st.sampled_from(
    ["", "a", "bay-1", "keba", "main", "standard", "none", "never", "L1", "EUR", "é" * 40]
)
SCALARS: Final = st.one_of(WORDS, st.booleans(), st.integers(-(2**40), 2**40), st.floats())
VALUES: Final[st.SearchStrategy[Any]] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(WORDS, SCALARS, max_size=2),
    st.just([{}]),
    st.just([[{}]]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key and index in the file."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inner:
        yield (*path, step)
        yield from places(below, (*path, step))


PLACES: Final = list(places(RAW))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.one_of(st.none(), VALUES)), min_size=1, max_size=3))
def test_a_file_with_anything_anywhere_is_judged(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    raw: Any = copy.deepcopy(RAW)
    for path, value in changes:
        _put(raw, path, value)
    text = toml_text(raw).replace("NaN", "nan").replace("Infinity", "inf")
    try:
        found = parse_settings(text, profiles=["keba-p30", "abb-b23", "heidelberg-energy-control"])
    except ConfigError as error:
        assert error.faults
        assert all(fault.problem and "Error" not in fault.problem for fault in error.faults)
    else:
        found.rules()
        warnings_of(found)


def _put(raw: Any, path: tuple[Any, ...], value: Any) -> None:
    """Set the value at the path, or take the key away for None; a path that is gone already is left."""
    try:
        for step in path[:-1]:
            raw = raw[step]
        if isinstance(raw, dict) is isinstance(path[-1], int):
            return
        if value is None:
            del raw[path[-1]]
        else:
            raw[path[-1]] = copy.deepcopy(value)
    except (KeyError, IndexError, TypeError):
        pass
