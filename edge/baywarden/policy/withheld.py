"""Why a car gets 0 A."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from baywarden.model.session import StopReason


class Withheld(StrEnum):
    """Why a car gets 0 A. The first two were asked for, the others are of the site's making."""

    STOPPED_REMOTE = "stopped_remote"
    STOPPED_LOCAL = "stopped_local"
    RESERVED_FOR_ANOTHER = "reserved_for_another"
    TOKEN_REQUIRED = "token_required"


STOPPED: Final[Mapping[str, StopReason]] = MappingProxyType(
    {Withheld.STOPPED_REMOTE: StopReason.REMOTE, Withheld.STOPPED_LOCAL: StopReason.LOCAL}
)
FOR_THE_HOLD: Final = frozenset({Withheld.RESERVED_FOR_ANOTHER, Withheld.TOKEN_REQUIRED})
