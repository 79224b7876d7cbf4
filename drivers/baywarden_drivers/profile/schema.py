"""A device as data."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from baywarden_drivers.profile.base import RawNames, Texts, ToTuple
from baywarden_drivers.profile.conduct import Control, Failsafe, Startup, Status
from baywarden_drivers.profile.doubts import Doubt
from baywarden_drivers.profile.habits import Connectors, Protocol, Transports
from baywarden_drivers.profile.points import Derived, ReadPoint, WritePoint


class Profile(BaseModel):
    """All that this package knows of one kind of charger or meter."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    name: str
    """The name of its file without `.toml`; given by the loader."""
    schema_version: Annotated[Literal[1], Field(alias="schema")]
    vendor: str
    model: str
    kind: Literal["charger", "meter"]
    confidence: Literal["high", "medium"]
    summary: str
    covers: Texts = ()
    sources: Annotated[tuple[str, ...], ToTuple, Field(min_length=1)]
    notes: Texts = ()
    protocol: Protocol = Protocol()
    transport: Transports
    connectors: Connectors = Connectors()
    read: Annotated[tuple[ReadPoint, ...], ToTuple, Field(min_length=1)]
    write: Annotated[tuple[WritePoint, ...], ToTuple] = ()
    derive: Annotated[tuple[Derived, ...], ToTuple] = ()
    status: Status | None = None
    control: Control | None = None
    startup: Startup = Startup()
    failsafe: Failsafe | None = None
    doubt: Annotated[tuple[Doubt, ...], ToTuple] = ()
    enums: Mapping[str, RawNames] = {}

    @cached_property
    def readable(self) -> Mapping[str, ReadPoint]:
        """Read points by name."""
        return {point.name: point for point in self.read}

    @cached_property
    def writable(self) -> Mapping[str, WritePoint]:
        """Write points by name."""
        return {point.name: point for point in self.write}

    def changed(self, **parts: object) -> "Profile":
        """A copy with other parts, that finds its points by name anew."""
        copy = self.model_copy(update=parts)
        for name in ("readable", "writable"):
            copy.__dict__.pop(name, None)
        return copy

    @property
    def default_unit(self) -> int:
        """The unit number that the factory sets, 1 where none is documented."""
        for wire in (self.transport.tcp, self.transport.rtu, self.transport.rtu_over_tcp):
            if wire is not None and wire.unit_id is not None:
                return wire.unit_id
        return 1
