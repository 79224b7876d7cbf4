"""Whether a car may charge where it stands: the outlet's access, its token, and what was given to it.

A right that was given stays until the car leaves: a token that is revoked later stops nobody.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from baywarden.model.access import AccessMode, AccessRules, Right, Shown
from baywarden.model.command import Reason
from baywarden.model.evse import EvseState
from baywarden.model.session import Session, SessionStatus
from baywarden.model.token import TokenList, Whitelist
from baywarden.policy.holders import is_holder
from baywarden.policy.scene import Scene
from baywarden.policy.sight import is_same_token
from baywarden.policy.withheld import FOR_ACCESS, FOR_THE_HOLD, Withheld

REASONS: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        Withheld.TOKEN_REQUIRED: Reason.TOKEN_REQUIRED,
        Withheld.AUTHORIZATION_REQUIRED: Reason.TOKEN_REQUIRED,
        Withheld.TOKEN_UNKNOWN: Reason.UNKNOWN_TOKEN,
        Withheld.TOKEN_BLOCKED: Reason.BLOCKED,
        Withheld.TOKEN_NOT_ALLOWED: Reason.NOT_ALLOWED,
        Withheld.TOKEN_NEEDS_CLOUD: Reason.NOT_ALLOWED,
        Withheld.BOOKING_REQUIRED: Reason.BOOKING_REQUIRED,
        Withheld.RESERVED_FOR_ANOTHER: Reason.EVSE_RESERVED,
        Withheld.RESERVED_SOON: Reason.EVSE_RESERVED,
    }
)
"""The words of an answer for what a car would be told."""


def verdict(access: AccessRules, tokens: TokenList, token: str | None) -> Right | Withheld:
    """What a token, or none, is good for where no booking counts."""
    if access.mode is AccessMode.OPEN:
        return Right.OPEN
    if access.mode is AccessMode.BOOKING:
        return Withheld.BOOKING_REQUIRED
    if token is None:
        return Withheld.AUTHORIZATION_REQUIRED
    known = tokens.find(token)
    if known is None:
        return Withheld.TOKEN_UNKNOWN
    if not known.valid:
        return Withheld.TOKEN_BLOCKED
    if access.token_groups and known.group_id not in access.token_groups:
        return Withheld.TOKEN_NOT_ALLOWED
    return Withheld.TOKEN_NEEDS_CLOUD if known.whitelist is Whitelist.NEVER else Right.TOKEN


def card_shown(evse: EvseState, scene: Scene) -> str | None:
    """The card that is shown now. One that stands in the register since an earlier look is not shown anew."""
    token = scene.sight.token
    if scene.sight.unheard is not None or token is None or is_same_token(token, evse.tag):
        return None
    return token


def noted(evse: EvseState, scene: Scene) -> EvseState:
    """With the card that stands in the register, and with one that is shown before the car is plugged in."""
    sight = scene.sight
    if evse.shown is not None and not _is_waiting(evse.shown, scene):
        evse = replace(evse, shown=None)
    if sight.unheard is not None:
        return evse
    token = card_shown(evse, scene)
    if token is not None and evse.session is None and sight.car is False:
        until_mono_ms = scene.now.mono_ms + 1000 * scene.outlet.access.connect_timeout_s
        shown = Shown(token, until_mono_ms, scene.tokens.group_of(token))
        evse = replace(evse, shown=shown)
    return evse if sight.token == evse.tag else replace(evse, tag=sight.token)


def judged(evse: EvseState, scene: Scene, before: Session | None) -> EvseState:
    """With a right for the car, or the reason why it has none. What a hold says comes first."""
    session = evse.session
    if session is None or session.status is SessionStatus.COMPLETED:
        return evse
    if session.right is None and not _is_of_an_older_release(session, before):
        return _weighed(evse, session, scene)
    if session.right is None:
        return replace(evse, session=replace(session, right=Right.OPEN))
    if session.withheld in FOR_ACCESS:
        return replace(evse, session=replace(session, withheld=None))
    return evse


def is_open_to_another_card(session: Session) -> bool:
    """Whether a card counts that is shown now: there was none, or the one before gave no right."""
    if session.token is None:
        return True
    return session.right is None and session.withheld in FOR_ACCESS | FOR_THE_HOLD


def _is_waiting(shown: Shown, scene: Scene) -> bool:
    """Within its time; after a reboot the clock may stand anywhere, and then it is over."""
    left_ms = shown.until_mono_ms - scene.now.mono_ms
    return 0 < left_ms <= 1000 * scene.outlet.access.connect_timeout_s


def _is_of_an_older_release(session: Session, before: Session | None) -> bool:
    """Whether it charged before rights were written down."""
    return before is not None and before.id == session.id and (before.right, before.withheld) == (None, None)


def _weighed(evse: EvseState, session: Session, scene: Scene) -> EvseState:
    if session.withheld is not None and session.withheld not in FOR_ACCESS:
        return evse
    found = verdict(scene.outlet.access, scene.tokens, session.token)
    if isinstance(found, Right) and _leaves_too_soon(evse, session, scene):
        found = Withheld.RESERVED_SOON
    if isinstance(found, Right):
        return replace(evse, session=replace(session, right=found, withheld=None))
    if session.withheld == found:
        return evse
    return replace(evse, session=replace(session, withheld=found.value))


def _leaves_too_soon(evse: EvseState, session: Session, scene: Scene) -> bool:
    """Whether the next hold, unless it is for this very token, begins before the least stay is over."""
    end_at, least = session.booking_end_at, timedelta(seconds=scene.outlet.access.min_stay_s)
    if end_at is None or end_at - session.started_at >= least:
        return False
    return not any(is_holder(scene.tokens, session.token, booking.token) for booking in evse.bookings[:1])
