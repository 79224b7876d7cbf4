"""The site's list of tokens: single changes, whole new lists in parts, revisions, bounds."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baywarden.model.command import PutTokens, Reason, RemoveTokens, Reply, Request, Result, SyncTokens
from baywarden.model.token import Token, TokenList, key_of
from baywarden.policy.tokens import MOST
from scenarios.day import Day, a_site


def a_day(*tokens: Token, revision: int = 1) -> Day:
    """A site with this list."""
    day = Day(a_site())
    day.ask(SyncTokens(revision, tokens))
    return day


def uids(day: Day) -> set[str]:
    """Those that count."""
    return {token.uid for token in day.state.tokens.tokens.values()}


def asked(day: Day, request: Request) -> tuple[Reply, TokenList, int]:
    """The answer, the list after it, and how much there was to keep."""
    before = len(day.effects)
    reply = day.ask(request)
    return reply, day.state.tokens, len(day.effects) - before


def test_a_whole_list_takes_the_place_of_the_old_one() -> None:
    day = a_day(Token("A"), Token("B"))
    reply = day.ask(SyncTokens(2, (Token("C"),)))
    assert (reply.result, reply.rev, reply.data) == (Result.ACCEPTED, 2, {"revision": 2, "count": 1})
    assert uids(day) == {"C"}


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_a_list_in_parts_counts_only_when_all_of_them_are_here(order: tuple[int, ...]) -> None:
    day = a_day(Token("OLD"))
    for place, part in enumerate(order):
        assert uids(day) == {"OLD"}
        reply = day.ask(SyncTokens(5, (Token(f"P{part}"),), part, 3))
        missing = sorted(order[place + 1 :])
        assert reply.data.get("missing_parts", []) == missing
    assert uids(day) == {"P1", "P2", "P3"}
    assert day.state.tokens.revision == 5


def test_a_part_that_comes_twice_changes_nothing_more() -> None:
    day = a_day()
    for _ in range(2):
        day.ask(SyncTokens(5, (Token("P1"),), 1, 2))
    day.ask(SyncTokens(5, (Token("P2"),), 2, 2))
    assert uids(day) == {"P1", "P2"}
    reply, tokens, kept = asked(day, SyncTokens(5, (Token("LATE"),), 1, 2))
    assert (reply.result, set(tokens.tokens), kept) == (Result.ACCEPTED, {"p1", "p2"}, 0)


def test_a_newer_list_drops_one_that_has_not_come_whole_and_an_older_one_is_refused() -> None:
    day = a_day(Token("A"))
    day.ask(SyncTokens(5, (Token("X"),), 1, 2))
    day.ask(SyncTokens(6, (Token("P1"),), 1, 2))
    assert day.ask(SyncTokens(5, (Token("Y"),), 2, 2)).reason is Reason.STALE_REVISION
    day.ask(SyncTokens(6, (Token("P2"),), 2, 2))
    assert uids(day) == {"P1", "P2"}
    reply = day.ask(SyncTokens(5, (Token("Z"),)))
    assert (reply.reason, reply.rev) == (Reason.STALE_REVISION, 6)


def test_the_list_that_a_site_has_already_costs_nothing() -> None:
    day = a_day(Token("A"), revision=3)
    reply, _, kept = asked(day, SyncTokens(3, (Token("A"),)))
    assert (reply.result, reply.data, kept) == (Result.ACCEPTED, {"revision": 3, "count": 1}, 0)


def test_one_token_is_added_changed_and_removed() -> None:
    day = a_day(Token("A"))
    day.ask(PutTokens((Token("b", group_id="g"),)))
    day.ask(PutTokens((Token("B", valid=False),)))
    assert day.state.tokens.find("b") == Token("B", valid=False)
    assert day.state.tokens.revision == 1
    assert day.ask(RemoveTokens(("a", "never-there"), revision=2)).data == {"revision": 2, "count": 1}
    assert asked(day, RemoveTokens(("never-there",)))[2] == 0
    assert asked(day, PutTokens((Token("B", valid=False),)))[2] == 0


@pytest.mark.parametrize("change", [PutTokens, RemoveTokens])
def test_a_change_made_for_another_list_is_refused(change: Any) -> None:
    day = a_day(Token("A"), revision=7)
    what = (Token("B"),) if change is PutTokens else ("A",)
    assert day.ask(change(what, expected_revision=6)).reason is Reason.STALE_REVISION
    assert day.ask(change(what, revision=6)).reason is Reason.STALE_REVISION
    assert day.ask(change(what, revision=8, expected_revision=7)).rev == 8


def test_a_site_keeps_only_so_many() -> None:
    day = a_day(*(Token(f"T{number}") for number in range(MOST)))
    assert day.ask(PutTokens((Token("T7", valid=False),))).result is Result.ACCEPTED
    assert day.ask(PutTokens((Token("ONE-MORE"),))).reason is Reason.LIST_FULL
    parts = tuple(Token(f"N{number}") for number in range(MOST))
    day.ask(SyncTokens(2, parts, 1, 2))
    assert day.ask(SyncTokens(2, (Token("ONE-MORE"),), 2, 2)).reason is Reason.LIST_FULL
    assert len(uids(day)) == MOST


def test_a_part_that_is_none_is_refused() -> None:
    assert a_day().ask(SyncTokens(2, (), 3, 2)).reason is Reason.INVALID


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "remove"]), st.sampled_from("aAbBcC"), st.booleans()), max_size=20
    )
)
def test_any_row_of_changes_gives_what_a_plain_table_gives(changes: list[tuple[str, str, bool]]) -> None:
    day, plain = Day(a_site()), dict[str, Token]()
    for what, uid, valid in changes:
        if what == "put":
            plain[key_of(uid)] = Token(uid, valid=valid)
            day.ask(PutTokens((plain[key_of(uid)],)))
        else:
            plain.pop(key_of(uid), None)
            day.ask(RemoveTokens((uid,)))
    assert dict(day.state.tokens.tokens) == plain
