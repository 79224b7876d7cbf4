"""What a rule wants: the new state, effects to be written in one transaction, and when to be asked again."""

from dataclasses import dataclass
from datetime import datetime

from baywarden.model.access import AccessDecision
from baywarden.model.booking import Booking
from baywarden.model.command import Command, Reply
from baywarden.model.evse import EvseStatus
from baywarden.model.notice import Notice
from baywarden.model.overstay import Penalty
from baywarden.model.reading import Snapshot
from baywarden.model.session import MeterSample, Session
from baywarden.model.site import Anchor, SiteState
from baywarden.model.token import TokenChange


@dataclass(frozen=True, slots=True)
class BookingChanged:
    booking: Booking


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """`public` is False for bookkeeping that is kept but not told (a closed segment, a register)."""

    session: Session
    public: bool = True


@dataclass(frozen=True, slots=True)
class PenaltyChanged:
    penalty: Penalty


@dataclass(frozen=True, slots=True)
class StatusChanged:
    status: EvseStatus


@dataclass(frozen=True, slots=True)
class NoticeRaised:
    notice: Notice


@dataclass(frozen=True, slots=True)
class MeterSampled:
    sample: MeterSample


@dataclass(frozen=True, slots=True)
class AccessDecided:
    decision: AccessDecision


@dataclass(frozen=True, slots=True)
class TokensChanged:
    change: TokenChange


Effect = (
    BookingChanged
    | SessionChanged
    | PenaltyChanged
    | StatusChanged
    | NoticeRaised
    | MeterSampled
    | AccessDecided
    | TokensChanged
)


@dataclass(frozen=True, slots=True)
class Observed:
    """One cycle's readings. Also the tick: everything due is judged with it."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Commanded:
    """A request from either door. `known` is the finished booking or session of that id that the store still has."""

    command: Command
    known: Booking | None = None


@dataclass(frozen=True, slots=True)
class Restarted:
    """The daemon has loaded its state; `anchor` is the last look at the clocks before it stopped."""

    anchor: Anchor | None


Event = Observed | Commanded | Restarted


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one rule."""

    state: SiteState
    effects: tuple[Effect, ...] = ()
    reply: Reply | None = None
    wake_at: datetime | None = None
