"""What an outlet may be drawing at worst by our own doing: the larger of old and new limit until one is proven."""

from dataclasses import replace

from baywarden.model.site import Commitment
from baywarden.model.time import Now

ANY_MA = 1_000_000
"""What an outlet may allow whose limit was never read; the share takes its largest current for it."""


def first(evse_id: str, limit_ma: int | None) -> Commitment:
    """Of an outlet that was not yet written to: the limit it says it has; None is one that never said."""
    return Commitment(evse_id, allowed_ma=ANY_MA if limit_ma is None else limit_ma)


def sent(held: Commitment | None, evse_id: str, limit_ma: int, now: Now) -> Commitment:
    """A limit is about to be written. From here on, both the old one and the new one may be in force."""
    old = held or first(evse_id, None)
    before_ma = old.allowed_ma if old.sent_ma is None else old.sent_ma
    return replace(
        old,
        allowed_ma=max(old.allowed_ma, limit_ma),
        sent_ma=limit_ma,
        confirmed=False,
        raised_mono_ms=now.mono_ms if limit_ma > before_ma else old.raised_mono_ms,
        cut_mono_ms=now.mono_ms if limit_ma < before_ma else old.cut_mono_ms,
    )


def confirmed(held: Commitment, limit_ma: int, shown_ma: int | None = None) -> Commitment:
    """A limit was read back. Only the one that was sent last is proof; any other may still be about to change.

    `shown_ma` is what the outlet makes of it where that is more, as with a pause that leaves a little.
    """
    if limit_ma == held.sent_ma:
        return replace(held, allowed_ma=limit_ma if shown_ma is None else shown_ma, confirmed=True)
    return drifted(held, limit_ma)


def drifted(held: Commitment, limit_ma: int) -> Commitment:
    """The outlet has a limit that nobody sent: it counts if it is larger, and ours must be written again."""
    return replace(held, allowed_ma=max(held.allowed_ma, limit_ma), confirmed=False)


def failed(held: Commitment) -> Commitment:
    """A write got no answer or a refusal: it may have happened all the same, so both limits go on counting."""
    return replace(held, confirmed=False)
