"""Tokens and rights in what comes in and goes out: the right words, and never a token or a code in clear."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from baywarden.model.access import AccessDecision
from baywarden.model.command import AuthorizeSession, Door, PutTokens, Reason, RemoveTokens, SyncTokens
from baywarden.model.event import Stream
from baywarden.model.step import AccessDecided, TokensChanged
from baywarden.model.time import Now
from baywarden.model.token import Token, TokenChange, TokenHead, TokenType, Whitelist
from baywarden.sync import CommandRefused, parse_command
from baywarden.sync.drafts import draft_of

NOW = Now(datetime(2026, 6, 15, 9, tzinfo=UTC), 1_000_000, "boot-1")
CARD = "04A1B2C3D4E5F6"


def parsed(name: str, params: Any) -> Any:
    """The request that comes out."""
    payload = json.dumps({"id": "c-1", "expires_at": "2026-06-15T09:10:00Z", "params": params}).encode()
    return parse_command(name, payload, door=Door.CLOUD, now=NOW).request


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("token.put", {"tokens": [{"uid": CARD}]}, PutTokens((Token(CARD),))),
        (
            "token.put",
            {
                "tokens": [
                    {
                        "uid": "A1",
                        "type": "APP_USER",
                        "group_id": "fleet",
                        "valid": False,
                        "whitelist": "NEVER",
                    }
                ],
                "revision": 4,
                "expected_revision": 3,
            },
            PutTokens((Token("A1", TokenType.APP_USER, "fleet", False, Whitelist.NEVER),), 4, 3),
        ),
        ("token.remove", {"uids": [CARD], "revision": 9}, RemoveTokens((CARD,), 9)),
        (
            "token.sync",
            {"revision": 7, "tokens": [{"uid": "A1"}], "part": 2, "parts": 3},
            SyncTokens(7, (Token("A1"),), 2, 3),
        ),
        ("token.sync", {"revision": 7, "tokens": []}, SyncTokens(7, ())),
        ("session.authorize", {"evse_id": "bay-1", "token": CARD}, AuthorizeSession("bay-1", CARD)),
        ("session.authorize", {"evse_id": "bay-1", "code": "4711"}, AuthorizeSession("bay-1", None, "4711")),
    ],
)
def test_a_good_request_becomes_the_models_words(name: str, params: Any, expected: Any) -> None:
    assert parsed(name, params) == expected


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("token.put", {"tokens": []}, "params.tokens"),
        ("token.put", {"tokens": [{"uid": CARD, "pin": "1"}]}, "params.tokens.0.pin"),
        ("token.put", {"tokens": [{"uid": "with space"}]}, "params.tokens.0.uid"),
        ("token.put", {"tokens": [{"uid": CARD, "type": "CARD"}]}, "params.tokens.0.type"),
        ("token.put", {"tokens": [{"uid": CARD, "valid": "no"}]}, "params.tokens.0.valid"),
        ("token.sync", {"tokens": []}, "params.revision: is required"),
        ("token.sync", {"revision": 1, "tokens": [], "part": 3, "parts": 2}, "part must not be above parts"),
        ("session.authorize", {"evse_id": "bay-1"}, "either token or code"),
        ("session.authorize", {"evse_id": "bay-1", "token": CARD, "code": "4711"}, "either token or code"),
        ("session.authorize", {"evse_id": "bay-1", "code": "12"}, "params.code"),
        ("session.stop", {"session_id": "s", "reason": "Whim"}, "params.reason"),
    ],
)
def test_a_wrong_request_is_refused_without_repeating_what_is_personal(
    name: str, params: Any, said: str
) -> None:
    with pytest.raises(CommandRefused) as caught:
        parsed(name, params)
    assert (caught.value.reason, said in caught.value.detail) == (Reason.INVALID, True)
    assert CARD not in caught.value.detail


def test_a_list_of_a_thousand_tokens_fits_a_message() -> None:
    params = {"revision": 1, "tokens": [{"uid": f"{n:014X}", "group_id": "f"} for n in range(1000)]}
    assert len(parsed("token.sync", params).tokens) == 1000


def test_an_answer_about_access_is_told_for_the_audit_with_the_end_of_the_token_only() -> None:
    decision = AccessDecision("bay-1", NOW.at, "local", "token", CARD, "BLOCKED")
    draft = draft_of(AccessDecided(decision), NOW)
    assert draft is not None
    assert (draft.stream, draft.type, draft.subject) == (Stream.AUDIT, "access.decided.v1", "evse/bay-1")
    assert (draft.data["granted"], draft.data["reason"]) == (False, "BLOCKED")
    assert draft.data["token_end"] == "E5F6"
    assert CARD not in json.dumps(draft.data)


def test_a_change_of_the_list_is_told_by_its_figures() -> None:
    change = TokenChange(TokenHead(7, 3), put=(Token(CARD),), removed=("A1", "A2"))
    draft = draft_of(TokensChanged(change), NOW)
    assert draft is not None
    assert (draft.stream, draft.type) == (Stream.AUDIT, "tokens.changed.v1")
    figures: dict[str, object] = {
        "revision": 7,
        "count": 3,
        "put": 1,
        "removed": 2,
        "coming_revision": None,
        "coming_parts": [],
    }
    assert draft.data == figures
