"""The parameters of a question, judged. What is wrong is said in words that name the right."""

from collections.abc import Mapping
from typing import Any, Final

MAX_WHOLE: Final = 2**53
"""Up to here every reader of JSON agrees on a whole number."""


class WrongParams(Exception):
    """A question that cannot be answered as it was asked; the text says what would be right."""


def only(params: Mapping[str, Any], *known: str) -> None:
    """Raises WrongParams for a key that nobody knows."""
    for key in params:
        if key not in known:
            raise WrongParams(f"{key}: is not known; known are: {', '.join(known) or 'none'}")


def whole(params: Mapping[str, Any], key: str) -> int:
    """A whole number from 0. Raises WrongParams."""
    value = params.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_WHOLE:
        raise WrongParams(f"{key}: must be a whole number from 0 to {MAX_WHOLE}")
    return value
