"""The whole of site.toml, and the part of it that the rules need."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from baywarden.model.access import AccessRules
from baywarden.model.booking import BookingTerms
from baywarden.model.overstay import OverstayPolicy
from baywarden.model.site import EvseRules, SiteRules
from baywarden.settings.access import AccessSettings, rules_for
from baywarden.settings.agreements import OverstaySettings, TermsSettings
from baywarden.settings.kinds import (
    Flag,
    Host,
    Id,
    Port,
    Positive,
    Seconds,
    SocketPath,
    Table,
    Text,
    as_ms,
    milli,
    refuse,
)
from baywarden.settings.wires import (
    NO_POLICY,
    ChargerSettings,
    CircuitSettings,
    EvseSettings,
    LinkSettings,
    MeterSettings,
)
from baywarden.settings.world import Currency, TimeZone, minor_digits_of

STANDARD: Final = "standard"
"""The terms and the policy of an outlet that names none."""

CONTROL_SOCKET: Final = "/run/baywarden/control.sock"
PROFILE_FOLDER: Final = "/etc/baywarden/profiles"


def _minor_digits(site: dict[str, Any]) -> int:
    return minor_digits_of(site.get("currency", ""))


class SiteSettings(Table):
    """[site]: who and where."""

    id: Id = Field(description="name of the site in every topic")
    name: Text = Field(description="name for people")
    time_zone: TimeZone = Field(description="IANA zone of the place")
    currency: Currency = Field(description="ISO 4217 code of all amounts")
    minor_digits: Annotated[int, Field(ge=0, le=4, strict=True)] = Field(
        default_factory=_minor_digits, description="decimal digits of the currency; without it by ISO 4217"
    )
    profile_folder: Text = Field(
        "/etc/baywarden/profiles",
        description="folder of device profiles of your own, found before the built-in ones",
    )
    stale_after_s: Seconds = Field(10.0, description="an older reading is no longer the truth")
    cycle_s: Annotated[float, Field(ge=0.1, le=30, strict=True)] = Field(
        1.0, description="seconds from decision to decision"
    )


class ClockSettings(Table):
    """[clock]: when the time of day may be believed."""

    trust: Literal["system", "always"] = Field(
        "system", description="once the machine reports a synchronised clock, or from the start"
    )


class StoreSettings(Table):
    """[store]: where the daemon keeps its books."""

    folder: Text = Field("/var/lib/baywarden", description="folder of the databases")
    keep_days: Positive = Field(30, description="how long sent events are kept for replay")
    max_mb: Annotated[int, Field(ge=16, strict=True)] = Field(
        512, description="most the databases may grow to"
    )


class ControlSettings(Table):
    """[control]: the local door."""

    socket: SocketPath = Field(CONTROL_SOCKET, description="unix socket of the control interface")


class CloudSettings(Table):
    """[cloud]: the MQTT broker; without this table the site runs on its own."""

    host: Host = Field(description="broker")
    tls: Flag = Field(True, description="whether the connection is encrypted")
    port: Port = Field(
        default_factory=lambda cloud: 8883 if cloud.get("tls", True) else 1883,
        description="port; without it 8883, or 1883 without TLS",
    )
    username: Text | None = Field(None, description="user at the broker")
    password_file: Text | None = Field(None, description="file that holds the password, and nothing else")
    ca_file: Text | None = Field(None, description="certificates to trust; without it the system's")
    cert_file: Text | None = Field(None, description="our certificate")
    key_file: Text | None = Field(None, description="its private key")
    keep_alive_s: Annotated[int, Field(ge=5, le=3600, strict=True)] = Field(60, description="MQTT keep-alive")
    receive_maximum: Annotated[int, Field(ge=1, le=1000, strict=True)] = Field(
        20, description="most publishes that wait for the broker at a time"
    )
    retry_first_s: Seconds = Field(
        30.0,
        description="a lost broker is tried again within this time, at a random moment",
    )
    retry_max_s: Seconds = Field(300.0, description="longest time between two tries")

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            refuse("cert_file and key_file belong together", "both or neither")
        if self.password_file is not None and self.username is None:
            refuse("password_file without username", "both or neither")
        if not self.tls and (self.cert_file or self.ca_file):
            refuse("certificates are given, but tls = false", "tls = true")
        return self


class Settings(Table):
    """site.toml."""

    site: SiteSettings
    clock: ClockSettings = Field(default_factory=ClockSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    control: ControlSettings = Field(default_factory=ControlSettings)
    cloud: CloudSettings | None = None
    links: tuple[LinkSettings, ...] = ()
    chargers: tuple[ChargerSettings, ...] = ()
    meters: tuple[MeterSettings, ...] = ()
    circuits: tuple[CircuitSettings, ...] = ()
    terms: Mapping[Id, TermsSettings] = Field(default_factory=dict)
    overstay: Mapping[Id, OverstaySettings] = Field(default_factory=dict)
    access: Mapping[Id, AccessSettings] = Field(default_factory=dict)

    def rules(self) -> SiteRules:
        """All that the rules need, in their units."""
        stale_after_ms = as_ms(self.site.stale_after_s)
        polls_s = [charger.poll_s for charger in self.chargers] + [meter.poll_s for meter in self.meters]
        terms = {name: table.to_terms() for name, table in self.terms.items()}
        policies = {
            name: table.to_policy(name, self.site.currency, self.site.minor_digits, self.site.time_zone)
            for name, table in self.overstay.items()
        }
        access = {group: table.to_rules() for group, table in self.access.items()}
        return SiteRules(
            site_id=self.site.id,
            tz=self.site.time_zone,
            currency=self.site.currency,
            evses=MappingProxyType(
                {
                    evse.id: _evse_rules(charger, evse, terms, policies, access)
                    for charger in self.chargers
                    for evse in charger.evses
                }
            ),
            circuits=MappingProxyType({circuit.id: circuit.to_circuit() for circuit in self.circuits}),
            minor_digits=self.site.minor_digits,
            stale_after_ms=stale_after_ms,
            meter_stale_after_ms=stale_after_ms,
            meter_skew_ms=max([3_000, *map(as_ms, polls_s)]),
        )


def _evse_rules(
    charger: ChargerSettings,
    evse: EvseSettings,
    terms: Mapping[str, BookingTerms],
    policies: Mapping[str, OverstayPolicy],
    access: Mapping[str, AccessRules],
) -> EvseRules:
    return EvseRules(
        id=evse.id,
        label=evse.label,
        circuit_id=evse.circuit,
        max_current_ma=milli(evse.max_current_a),
        min_current_ma=milli(evse.min_current_a),
        phases=evse.circuit_phases,
        failsafe_ma=milli(charger.failsafe_current_a),
        failsafe_timeout_ms=1000 * charger.failsafe_timeout_s,
        groups=frozenset(evse.groups),
        connector_type=evse.connector_type,
        terms=terms.get(evse.terms, BookingTerms()),
        access=rules_for(evse.groups, access),
        overstay=None if evse.overstay == NO_POLICY else policies.get(evse.overstay),
    )
