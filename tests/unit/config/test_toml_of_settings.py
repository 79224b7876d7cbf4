"""What `config show` writes is TOML that reads back as the same."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from baywarden_config.toml import toml_text

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
SCALARS = st.one_of(
    WORDS, st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    st.one_of(SCALARS, st.lists(SCALARS, max_size=3)),
    lambda inner: st.one_of(
        st.dictionaries(WORDS, inner, max_size=3),
        st.lists(st.dictionaries(WORDS, inner, max_size=3), max_size=3),
    ),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_reading_undoes_writing(data: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(data)) == data
