"""Tokens of drivers and their groups, in OCPI's words (mod_tokens); uids differ by more than upper and lower case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class TokenType(Enum):
    """OCPI TokenType."""

    AD_HOC_USER = "AD_HOC_USER"
    APP_USER = "APP_USER"
    EMAID = "EMAID"
    OTHER = "OTHER"
    RFID = "RFID"


class Whitelist(Enum):
    """OCPI WhitelistType: whether the list alone is a right. The site asks nobody, so it is always offline."""

    ALWAYS = "ALWAYS"
    ALLOWED = "ALLOWED"
    ALLOWED_OFFLINE = "ALLOWED_OFFLINE"
    NEVER = "NEVER"
    """Only the cloud's word (`session.authorize`) gives it a right."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token. Tokens of the same `group_id` stand in for each other."""

    uid: str
    type: TokenType = TokenType.RFID
    group_id: str | None = None
    valid: bool = True
    whitelist: Whitelist = Whitelist.ALWAYS


def key_of(uid: str) -> str:
    """What a token is found by: upper and lower case are the same to readers of cards."""
    return uid.casefold()


@dataclass(frozen=True, slots=True)
class ComingList:
    """A new list of which not all parts are here; nothing of it counts yet."""

    revision: int
    parts: int
    got: frozenset[int] = frozenset()
    tokens: Mapping[str, Token] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        """The parts that have not come."""
        return [part for part in range(1, self.parts + 1) if part not in self.got]


@dataclass(frozen=True, slots=True)
class TokenList:
    """The tokens that the site knows, by `key_of`. Revision 0: none was ever received whole."""

    tokens: Mapping[str, Token] = field(default_factory=dict)
    revision: int = 0
    coming: ComingList | None = None

    def find(self, uid: str | None) -> Token | None:
        """The token with this uid."""
        return None if uid is None else self.tokens.get(key_of(uid))

    def group_of(self, uid: str | None) -> str | None:
        """The group of the token, where it is known."""
        found = self.find(uid)
        return None if found is None else found.group_id


@dataclass(frozen=True, slots=True)
class TokenHead:
    """What is kept of a list beside its tokens. `count` tells a list that lost some of them."""

    revision: int
    count: int
    coming_revision: int | None = None
    parts: int = 0
    got: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenChange:
    """A change of the list, in the order of its fields; with `is_coming` what is put belongs to the coming list."""

    head: TokenHead
    drops_coming: bool = False
    removed: tuple[str, ...] = ()
    """Uids."""
    put: tuple[Token, ...] = ()
    is_coming: bool = False
    swaps: bool = False
    """The coming list takes the place of the present one."""
