"""Links, chargers with their EVSEs, meters and circuits, as site.toml says them."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from baywarden.model.site import Circuit
from baywarden.settings.connectors import ConnectorType
from baywarden.settings.kinds import (
    FailsafeAmps,
    FuseAmps,
    Host,
    Id,
    LoadAmps,
    OutletAmps,
    Port,
    Positive,
    Seconds,
    Table,
    Text,
    Unit,
    milli,
    refuse,
)

NO_POLICY = "none"


class TcpLink(Table):
    """Modbus TCP."""

    id: Id = Field(description="name of the link")
    type: Literal["tcp"] = Field(description="Modbus TCP")
    host: Host = Field(description="address or name of the device or gateway")
    port: Port = Field(502, description="TCP port")
    timeout_s: Seconds = Field(1.0, description="longest wait for an answer")


class SerialLink(Table):
    """Modbus RTU on a serial port."""

    id: Id = Field(description="name of the link")
    type: Literal["rtu"] = Field(description="Modbus RTU on a serial port")
    path: Text = Field(description="the port, best by /dev/serial/by-id/...")
    baud: Positive = Field(9600, description="bits per second")
    parity: Literal["N", "E", "O"] = Field("N", description="none, even or odd")
    stop_bits: Literal[1, 2] = Field(1, description="stop bits")
    timeout_s: Seconds = Field(1.0, description="longest wait for an answer")


class RtuOverTcpLink(Table):
    """RTU frames through a serial server."""

    id: Id = Field(description="name of the link")
    type: Literal["rtu-over-tcp"] = Field(description="RTU frames through a serial server")
    host: Host = Field(description="address or name of the serial server")
    port: Port = Field(502, description="TCP port")
    timeout_s: Seconds = Field(1.0, description="longest wait for an answer")


LinkSettings = Annotated[TcpLink | SerialLink | RtuOverTcpLink, Field(discriminator="type")]

Phase = Literal["L1", "L2", "L3"]


def _distinct(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    if len(set(phases)) != len(phases):
        refuse("names a phase twice", "one to three of L1, L2, L3")
    return phases


class EvseSettings(Table):
    """One bookable outlet of a charger."""

    id: Id = Field(description="name of the outlet in every message")
    label: Text = Field(description="what people on site read on it")
    connector: Positive = Field(1, description="number of the connector in the charger's registers")
    circuit: Id = Field(description="circuit that feeds it")
    max_current_a: OutletAmps = Field(Decimal(16), description="most it may ever draw per phase")
    min_current_a: OutletAmps = Field(Decimal(6), description="least that is worth granting")
    phases: Annotated[tuple[Phase, ...], Field(min_length=1, max_length=3), AfterValidator(_distinct)] = (
        Field(
            ("L1", "L2", "L3"),
            description="circuit's phases that feed the outlet's own L1, L2, L3, in this order",
        )
    )
    groups: tuple[Id, ...] = Field((), description="groups it belongs to; a booking may name one")
    connector_type: ConnectorType = Field("IEC_62196_T2", description="OCPI ConnectorType")
    terms: Text = Field("standard", description="booking terms that hold here")
    overstay: Text = Field(
        "standard", description=f'overstay policy that holds here; "{NO_POLICY}" for no fee'
    )

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min_current_a > self.max_current_a:
            refuse(f"min_current_a {self.min_current_a} is above max_current_a {self.max_current_a}")
        return self

    @property
    def circuit_phases(self) -> tuple[int, ...]:
        """The phases as numbers, 1 to 3."""
        return tuple(int(phase[1]) for phase in self.phases)


class ChargerSettings(Table):
    """One Modbus unit with one or more EVSEs."""

    id: Id = Field(description="name of the charger")
    profile: Text = Field(description="device profile that describes its registers")
    link: Id = Field(description="link it is reached by")
    unit: Unit | None = Field(None, description="Modbus unit; without it the profile's usual one")
    poll_s: Seconds = Field(1.0, description="seconds from poll to poll")
    failsafe_current_a: FailsafeAmps = Field(
        Decimal(6), description="current the charger falls back to by itself when we are silent"
    )
    failsafe_timeout_s: Annotated[int, Field(ge=5, le=3600, strict=True)] = Field(
        30, description="silence after which it falls back"
    )
    evses: Annotated[tuple[EvseSettings, ...], Field(min_length=1)] = Field(description="its outlets")

    @model_validator(mode="after")
    def _failsafe(self) -> Self:
        if self.failsafe_timeout_s < 3 * self.poll_s:
            refuse(
                f"failsafe_timeout_s {self.failsafe_timeout_s} is less than three polls of {self.poll_s:g} s",
                "at least 3 x poll_s",
            )
        for evse in self.evses:
            if self.failsafe_current_a > evse.max_current_a:
                refuse(
                    f"failsafe_current_a {self.failsafe_current_a} is above "
                    f"max_current_a {evse.max_current_a} of {evse.id!r}"
                )
        return self


class MeterSettings(Table):
    """One energy meter."""

    id: Id = Field(description="name of the meter")
    profile: Text = Field(description="device profile that describes its registers")
    link: Id = Field(description="link it is reached by")
    unit: Unit | None = Field(None, description="Modbus unit; without it the profile's usual one")
    poll_s: Seconds = Field(1.0, description="seconds from poll to poll")
    connector: Positive = Field(1, description="channel, for meters that have several")


class CircuitSettings(Table):
    """A fuse in the tree."""

    id: Id = Field(description="name of the circuit")
    limit_a: FuseAmps = Field(description="limit per phase that may never be exceeded")
    parent: Id | None = Field(None, description="circuit that feeds this one")
    meter: Id | None = Field(None, description="meter that measures all of this circuit")
    base_load_a: LoadAmps = Field(Decimal(0), description="load of others to assume where no meter measures")

    def to_circuit(self) -> Circuit:
        """The circuit as the rules know it."""
        return Circuit(
            self.id, milli(self.limit_a), self.parent, self.meter, base_load_ma=milli(self.base_load_a)
        )
