"""What the rules of one outlet are told besides its own state."""

from dataclasses import dataclass, field

from baywarden.model.booking import BookingTerms
from baywarden.model.site import EvseRules, SiteRules
from baywarden.model.time import Now
from baywarden.model.token import TokenList
from baywarden.policy.sight import Sight


@dataclass(frozen=True, slots=True)
class Scene:
    """One look at one outlet."""

    rules: SiteRules
    outlet: EvseRules
    sight: Sight
    now: Now
    begun_mono_ms: int
    is_first_look: bool
    """Nothing was heard of the outlet since our start before this."""
    tokens: TokenList = field(default_factory=TokenList)

    @property
    def terms(self) -> BookingTerms:
        """The booking terms of the outlet."""
        return self.outlet.terms
