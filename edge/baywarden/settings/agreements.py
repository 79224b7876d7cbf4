"""Booking terms and overstay policies, as site.toml says them."""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from baywarden.model.booking import BookingTerms, LateCancel
from baywarden.model.local_hours import LocalWindow, Weekday
from baywarden.model.overstay import Basis, GraceMode, GraceScope, OccupancyBand, OverstayPolicy, Rounding
from baywarden.settings.errors import listed, nearest
from baywarden.settings.kinds import (
    Flag,
    LocalTime,
    Money,
    Percent,
    Positive,
    SecondsOrNever,
    Table,
    Whole,
    refuse,
)
from baywarden.settings.world import TimeZone

NEVER = '; "never" for no limit'


def _weekday(value: Any) -> Any:
    if isinstance(value, Weekday):
        return value
    days = Weekday.__members__
    if not isinstance(value, str) or value not in days:
        refuse(f"{value!r} is no weekday", listed(days), nearest(str(value), days))
    return days[value]


Day = Annotated[
    Weekday,
    BeforeValidator(_weekday),
    PlainSerializer(lambda day: day.name, when_used="json"),
    WithJsonSchema({"enum": list(Weekday.__members__)}),
]


class WindowSettings(Table):
    """Local hours of some days."""

    start: LocalTime = Field(description="local time at which the hours begin")
    end: LocalTime = Field(description="local time at which they end; at or before start means the next day")
    days: tuple[Day, ...] = Field(tuple(Weekday), description="days on which they begin")

    def to_window(self) -> LocalWindow:
        """The hours as the rules know them."""
        return LocalWindow(self.start, self.end, frozenset(self.days))


class TermsSettings(Table):
    """[terms.NAME]: what a booking may be (OCPI BookingTerms, in seconds)."""

    change_until_s: Whole = Field(0, description="a booking may be changed until so long before its start")
    cancel_until_s: Whole = Field(0, description="a booking may be cancelled until so long before its start")
    change_allowed: Flag = Field(True, description="whether bookings may be changed at all")
    early_start_s: Whole = Field(0, description="the outlet is held from so long before the start")
    noshow_timeout_s: SecondsOrNever = Field(900, description="the hold ends so long after the start" + NEVER)
    min_duration_s: Positive = Field(900, description="shortest booking")
    max_duration_s: Positive = Field(86_400, description="longest booking")
    increment_s: Positive = Field(1, description="durations are multiples of this")
    horizon_s: Positive = Field(90 * 86_400, description="a booking may start at most so far ahead")
    buffer_s: Whole = Field(0, description="pause between two bookings of one outlet")
    overlapping_per_token: Flag = Field(False, description="whether one token may hold several at a time")
    rfid_auth_required: Flag = Field(
        False, description="whether the booked token must be shown at the charger"
    )
    noshow_fee_minor: Whole = Field(0, description="fee for not coming, in the currency's minor unit")
    late_cancel: LateCancel = Field(
        LateCancel.DECLINE, description="a cancellation after cancel_until_s is refused, or costs the fee"
    )
    late_cancel_fee_minor: Whole = Field(
        0, description="fee for cancelling late, in the currency's minor unit"
    )
    opening: tuple[WindowSettings, ...] = Field(
        (), description="local hours in which bookings may lie; none means always"
    )
    remind_before_s: tuple[Positive, ...] = Field((900,), description="reminders so long before the start")

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.noshow_timeout_s == 0:
            refuse(
                "noshow_timeout_s 0 leaves nobody time to come", 'at least 1, or "never" to hold to the end'
            )
        if self.min_duration_s > self.max_duration_s:
            refuse(f"min_duration_s {self.min_duration_s} is above max_duration_s {self.max_duration_s}")
        return self

    def to_terms(self) -> BookingTerms:
        """The terms as the rules know them."""
        return BookingTerms(**{**self.model_dump(), "opening": tuple(w.to_window() for w in self.opening)})


class OccupancySettings(Table):
    """A multiplier for a busy site."""

    min_pct: Percent = Field(description="from this share of outlets in use on")
    multiplier: Money = Field(description="the rate is multiplied by this")


def _falling_free(bands: tuple[OccupancySettings, ...]) -> tuple[OccupancySettings, ...]:
    if len({band.min_pct for band in bands}) != len(bands):
        refuse("names one min_pct twice", "each min_pct once")
    return bands


class OverstaySettings(Table):
    """[overstay.NAME]: what staying too long costs (DOMAIN 2.3)."""

    version: Positive = Field(
        1, description="raise it with every change: sessions keep the version they began with"
    )
    currency: str | None = Field(None, description="always the site's; may be repeated here for the reader")
    tz: TimeZone | None = Field(None, description="zone of the exempt hours; without it the site's")
    basis: Basis = Field(description="what starts the clock")
    rate_per_min: Money = Field(description="price of a minute")
    allowance_s: Whole = Field(0, description="time that is always free, counted from the basis")
    grace_s: Whole = Field(0, description="further time to come and leave")
    grace_mode: GraceMode = Field(
        GraceMode.FREE, description="never billed, or billed too once it is exceeded"
    )
    grace_scope: GraceScope = Field(
        GraceScope.SESSION, description="one grace a session, or one each idle period"
    )
    step_s: Positive = Field(60, description="billed time is rounded up to this, once a session")
    cap_per_session: Money | None = Field(
        None, description="most that one session can cost; without it no cap"
    )
    cap_per_day: Money | None = Field(
        None, description="most that one session can cost within one local day; without it no such cap"
    )
    exempt: tuple[WindowSettings, ...] = Field((), description="local hours that are not billed")
    occupancy: Annotated[tuple[OccupancySettings, ...], AfterValidator(_falling_free)] = Field(
        (), description="multipliers by how full the site is"
    )
    min_amount: Money = Field(Decimal(0), description="smaller amounts are dropped")
    rounding: Rounding = Field(Rounding.HALF_UP, description="the one rounding, at the end")
    notify_before_s: tuple[Positive, ...] = Field(
        (300,), description="warnings so long before billing begins"
    )
    idle_power_w: Whole = Field(100, description="a car drawing less asks for no power")
    idle_debounce_s: Whole = Field(60, description="for at least so long")

    def to_policy(self, name: str, currency: str, minor_digits: int, tz: str) -> OverstayPolicy:
        """The policy as the rules know it; `currency` and `tz` are the site's."""
        return OverstayPolicy(
            id=name,
            currency=currency,
            tz=self.tz or tz,
            basis=self.basis,
            rate_per_min=self.rate_per_min,
            version=self.version,
            minor_digits=minor_digits,
            allowance_s=self.allowance_s,
            grace_s=self.grace_s,
            grace_mode=self.grace_mode,
            grace_scope=self.grace_scope,
            step_s=self.step_s,
            cap_per_session=self.cap_per_session,
            cap_per_day=self.cap_per_day,
            exempt=tuple(window.to_window() for window in self.exempt),
            occupancy=tuple(
                OccupancyBand(band.min_pct, band.multiplier)
                for band in sorted(self.occupancy, key=lambda band: band.min_pct)
            ),
            min_amount=self.min_amount,
            rounding=self.rounding,
            notify_before_s=self.notify_before_s,
            idle_power_w=self.idle_power_w,
            idle_debounce_s=self.idle_debounce_s,
        )
