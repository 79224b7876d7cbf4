"""Numbers of the command line: every one has its bounds, and what is none is told in words.

Types for argparse: a wrong word ends the command with exit code 2 before anything is done.
"""

from argparse import ArgumentTypeError
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final

from baywarden_config.errors import WrongUse
from baywarden_config.times import span_s


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def read(text: str) -> int:
        try:
            number = int(text) if text.isascii() else None
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            raise ArgumentTypeError(f"{text!r}: must be a whole number from {least} to {most}")
        return number

    return read


def exact(least: str, most: str) -> Callable[[str], Decimal]:
    """A number from `least` to `most`, kept as it was typed."""

    def read(text: str) -> Decimal:
        try:
            number = Decimal(text) if text.isascii() else Decimal("nan")
        except InvalidOperation:
            number = Decimal("nan")
        if not number.is_finite() or not Decimal(least) <= number <= Decimal(most):
            raise ArgumentTypeError(f"{text!r}: must be a number from {least} to {most}")
        return number

    return read


def number(least: str, most: str) -> Callable[[str], float]:
    """The same, where parts of a thousandth do not matter."""
    exactly = exact(least, most)
    return lambda text: float(exactly(text))


def span(text: str) -> int:
    """A length of time like 60s or 5m, as whole seconds above 0."""
    try:
        seconds = span_s(text)
    except WrongUse as error:
        raise ArgumentTypeError(str(error)) from None
    if not seconds:
        raise ArgumentTypeError(f"{text!r}: must be longer than nothing")
    return seconds


port: Final = whole(0, 65_535)
"""A TCP port to listen on; 0 takes a free one."""
unit: Final = whole(0, 255)
"""A Modbus unit number."""
