"""A long row of changes of a list of tokens, the same each time, and the list after each of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from baywarden.model.command import Command, Door, PutTokens, RemoveTokens, SyncTokens
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.step import Commanded, TokensChanged
from baywarden.model.time import Now
from baywarden.model.token import Token, TokenChange, TokenList
from baywarden.policy import site

NOW: Final = Now(datetime(2026, 6, 15, 9, tzinfo=UTC), 1_000_000, "boot-1")
RULES: Final = SiteRules("s1", "Europe/Berlin", "EUR", {}, {})
PARTS: Final = 4


def request_at(number: int) -> PutTokens | RemoveTokens | SyncTokens:
    """Four parts of a new list, then a token more, and one less."""
    revision, place = divmod(number, PARTS + 2)
    if place < PARTS:
        tokens = tuple(Token(f"R{revision}-{place}-{n}", group_id=f"G{n}") for n in range(3))
        return SyncTokens(10 * revision + 10, tokens, place + 1, PARTS)
    if place == PARTS:
        return PutTokens((Token(f"R{revision}-more"),), revision=10 * revision + 11)
    return RemoveTokens((f"R{revision}-0-1",))


def changed(tokens: TokenList, number: int) -> tuple[TokenList, TokenChange]:
    """The list after change `number`, and what the store is told."""
    state = replace(SiteState({}), tokens=tokens)
    command = Command(f"c{number}", "asked", request_at(number), Door.CLOUD)
    step = site.decide(state, Commanded(command), RULES, NOW)
    (effect,) = step.effects
    assert isinstance(effect, TokensChanged)
    return step.state.tokens, effect.change


def lists(count: int) -> list[TokenList]:
    """The list after none, one, two, ... changes."""
    found = [TokenList()]
    for number in range(count):
        found.append(changed(found[-1], number)[0])
    return found
