"""The site as the rules see it: what is configured (SiteRules) and what is (SiteState)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from baywarden.model.access import AccessRules
from baywarden.model.booking import BookingTerms
from baywarden.model.evse import EvseState
from baywarden.model.overstay import OverstayPolicy
from baywarden.model.token import TokenList


@dataclass(frozen=True, slots=True)
class Circuit:
    """A fuse in the tree, with its limit per phase; `parent` is the id of the circuit that feeds it."""

    id: str
    limit_ma: int
    parent: str | None = None
    meter_id: str | None = None
    base_load_ma: int = 0
    """Load of others to assume on every phase where no meter measures it."""


@dataclass(frozen=True, slots=True)
class EvseRules:
    """What is configured for one outlet. `phases` are the circuit's phases (1 to 3) that its own L1.. feed from."""

    id: str
    label: str
    circuit_id: str
    max_current_ma: int = 16_000
    min_current_ma: int = 6_000
    phases: tuple[int, ...] = (1, 2, 3)
    failsafe_ma: int = 6_000
    failsafe_timeout_ms: int = 30_000
    """Silence after which the charger falls back to it by itself, once it is armed."""
    terms: BookingTerms = field(default_factory=BookingTerms)
    overstay: OverstayPolicy | None = None
    nominal_v: int = 230
    groups: frozenset[str] = frozenset()
    """Groups of outlets that it belongs to; bookings and policies may name one."""
    connector_type: str = "IEC_62196_T2"
    """OCPI ConnectorType."""
    access: AccessRules = field(default_factory=AccessRules)

    @property
    def max_power_w(self) -> int:
        """What the outlet can give at most."""
        return self.max_current_ma * self.nominal_v * len(self.phases) // 1000


@dataclass(frozen=True, slots=True)
class SiteRules:
    """The whole configuration that rules need."""

    site_id: str
    tz: str
    currency: str
    evses: Mapping[str, EvseRules]
    circuits: Mapping[str, Circuit]
    minor_digits: int = 2
    stale_after_ms: int = 10_000
    """A reading older than this is no longer the truth."""
    meter_stale_after_ms: int = 10_000
    meter_skew_ms: int = 3_000
    """Currents of an outlet and of a meter that were read further apart do not belong to one moment."""


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong codes typed at one outlet since the last right one; none is looked at before `closed_until_mono_ms`."""

    wrong: int
    last_mono_ms: int
    closed_until_mono_ms: int = 0


@dataclass(frozen=True, slots=True)
class SiteState:
    """All live state. `places` says which EVSE holds a live booking.

    The last three are not kept over a restart: when this process began, how each outlet looked when it was
    last judged (an outlet that looks the same and is not due is not judged again), and how the clocks stood.
    """

    evses: Mapping[str, EvseState]
    places: Mapping[str, str] = field(default_factory=dict)
    begun_mono_ms: int = 0
    glances: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    zero_at: datetime | None = None
    """What the calendar made of the moment at which CLOCK_BOOTTIME was 0; it moves when the calendar is set."""
    tokens: TokenList = field(default_factory=TokenList)
    tries: Mapping[str, Tries] = field(default_factory=dict)
    """Outlets at which wrong codes were typed; not kept over a restart."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The last persisted look at both clocks, to judge the time that passed while we were off."""

    boot_id: str
    mono_ms: int
    at: datetime
    trusted: bool


@dataclass(frozen=True, slots=True)
class Commitment:
    """What an outlet may be drawing at worst by our own doing.

    `allowed_ma` is the larger of the last limit that was confirmed and the last one that was sent, or what the
    outlet makes of that where it is more; `confirmed` says that it was read back; `raised_mono_ms` is the last
    raise that was sent and `cut_mono_ms` the last cut.
    """

    evse_id: str
    allowed_ma: int
    sent_ma: int | None = None
    confirmed: bool = False
    raised_mono_ms: int | None = None
    cut_mono_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """The current granted to one EVSE now, and why."""

    evse_id: str
    limit_ma: int
    why: str
