"""The list of tokens: single changes, and whole new lists in parts; each has a revision and is bounded."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from baywarden.model.command import PutTokens, Reason, RemoveTokens, Reply, Result, SyncTokens
from baywarden.model.evse import EvseState
from baywarden.model.site import SiteState
from baywarden.model.step import Step, TokensChanged
from baywarden.model.time import Now
from baywarden.model.token import ComingList, TokenChange, TokenHead, TokenList, key_of
from baywarden.policy.answers import Asked, Refused, due
from baywarden.policy.withheld import FOR_ACCESS, FOR_THE_HOLD

MOST: Final = 10_000
"""Tokens on one site: some 5 MB of memory."""


def put(state: SiteState, wish: PutTokens, asked: Asked) -> Step:
    """Answer PutTokens. Raises Refused."""
    old = state.tokens
    revision = _next(old, wish.revision, wish.expected_revision)
    changed = {key_of(token.uid): token for token in wish.tokens}
    fresh = tuple(token for key, token in changed.items() if old.tokens.get(key) != token)
    if not fresh and revision == old.revision:
        return _told(state, asked)
    tokens = {**old.tokens, **changed}
    if len(tokens) > MOST:
        raise Refused(Reason.LIST_FULL, f"a site keeps at most {MOST} tokens", old.revision)
    new = replace(old, tokens=tokens, revision=revision)
    return _changed(state, new, TokenChange(head_of(new), put=fresh), asked)


def remove(state: SiteState, wish: RemoveTokens, asked: Asked) -> Step:
    """Answer RemoveTokens; one that is not there is no fault. Raises Refused."""
    old = state.tokens
    revision = _next(old, wish.revision, wish.expected_revision)
    gone = {key_of(uid) for uid in wish.uids} & old.tokens.keys()
    if not gone and revision == old.revision:
        return _told(state, asked)
    tokens = {key: token for key, token in old.tokens.items() if key not in gone}
    new = replace(old, tokens=tokens, revision=revision)
    return _changed(state, new, TokenChange(head_of(new), removed=tuple(sorted(gone))), asked)


def sync(state: SiteState, wish: SyncTokens, asked: Asked) -> Step:
    """Answer SyncTokens. The parts may come in any order and again. Raises Refused."""
    old = state.tokens
    if wish.revision < old.revision:
        raise Refused(Reason.STALE_REVISION, f"the list has revision {old.revision}", old.revision)
    if wish.revision == old.revision:
        return _told(state, asked)
    if not 1 <= wish.part <= wish.parts:
        raise Refused(Reason.INVALID, f"part {wish.part} of {wish.parts} is none")
    coming = old.coming
    is_new = coming is None or (coming.revision, coming.parts) != (wish.revision, wish.parts)
    if coming is None or is_new:
        if coming is not None and coming.revision > wish.revision:
            raise Refused(Reason.STALE_REVISION, f"revision {coming.revision} is on its way", old.revision)
        coming = ComingList(wish.revision, wish.parts)
    put_now = {key_of(token.uid): token for token in wish.tokens}
    tokens = {**coming.tokens, **put_now}
    if len(tokens) > MOST:
        raise Refused(Reason.LIST_FULL, f"a site keeps at most {MOST} tokens", old.revision)
    coming = replace(coming, got=coming.got | {wish.part}, tokens=tokens)
    is_whole = not coming.missing
    new = TokenList(tokens, wish.revision) if is_whole else replace(old, coming=coming)
    change = TokenChange(head_of(new), is_new, put=tuple(put_now.values()), is_coming=True, swaps=is_whole)
    return _changed(state, new, change, asked)


def head_of(tokens: TokenList) -> TokenHead:
    """What is kept beside the tokens."""
    coming = tokens.coming
    if coming is None:
        return TokenHead(tokens.revision, len(tokens.tokens))
    got = tuple(sorted(coming.got))
    return TokenHead(tokens.revision, len(tokens.tokens), coming.revision, coming.parts, got)


def _next(old: TokenList, revision: int | None, expected: int | None) -> int:
    if expected is not None and expected != old.revision:
        raise Refused(Reason.STALE_REVISION, f"the list has revision {old.revision}", old.revision)
    if revision is None:
        return old.revision
    if revision < old.revision:
        raise Refused(Reason.STALE_REVISION, f"the list has revision {old.revision}", old.revision)
    return revision


def _changed(state: SiteState, new: TokenList, change: TokenChange, asked: Asked) -> Step:
    state = replace(state, tokens=new, evses=_waiting_looked_at(state.evses, asked.now))
    return replace(_told(state, asked), effects=(TokensChanged(change),))


def _told(state: SiteState, asked: Asked) -> Step:
    tokens = state.tokens
    data: dict[str, Any] = {"revision": tokens.revision, "count": len(tokens.tokens)}
    if tokens.coming is not None:
        data |= {"coming_revision": tokens.coming.revision, "missing_parts": tokens.coming.missing}
    reply = Reply(asked.command.id, Result.ACCEPTED, rev=tokens.revision or None, data=data)
    return Step(state, reply=reply)


def _waiting_looked_at(evses: Mapping[str, EvseState], now: Now) -> Mapping[str, EvseState]:
    """A car that waits for its right may have one by the new list."""
    waiting = FOR_ACCESS | FOR_THE_HOLD
    return {
        evse_id: due(evse, now) if evse.session is not None and evse.session.withheld in waiting else evse
        for evse_id, evse in evses.items()
    }
