"""State tables: a pair (state, event) leads to a state, a pair that is missing is a fault."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

State = TypeVar("State", bound=Enum)
Happening = TypeVar("Happening", bound=Enum)


class NoMove(Exception):
    """A rule asked for a move that its table does not have: a fault of ours, never of the site."""


def move(table: Mapping[tuple[State, Happening], State], state: State, event: Happening) -> State:
    """Where `event` leads from `state`. Raises NoMove naming both."""
    try:
        return table[state, event]
    except KeyError:
        raise NoMove(f"{state.name} has no move for {event.name}: {event.value}") from None
