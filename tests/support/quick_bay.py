"""A device whose habits are quick, so that no test waits for the real ones."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from baywarden_drivers import Profile, load_profile
from baywarden_drivers.values.value import Value
from support.served_profile import Served, served


def changed(
    name: str,
    *,
    control: Mapping[str, object] | None = None,
    failsafe: Mapping[str, object] | None = None,
    protocol: Mapping[str, object] | None = None,
) -> Profile:
    """A bundled profile with other habits, so that nobody has to wait for the real ones."""
    profile = load_profile(name)
    assert profile.control is not None
    quick = {"readback_timeout_ms": 300, "readback_delay_ms": 0, **(control or {})}
    profile = profile.changed(
        control=profile.control.model_copy(update=quick),
        protocol=profile.protocol.model_copy(
            update={"min_write_interval_ms": 0, "min_read_interval_ms": 0, **(protocol or {})}
        ),
    )
    if failsafe and profile.failsafe is not None:
        profile = profile.changed(failsafe=profile.failsafe.model_copy(update=dict(failsafe)))
    return profile


@asynccontextmanager
async def bay(
    profile: Profile | str, values: Mapping[str, Value | None] | None = None, **more: Any
) -> AsyncIterator[Served]:
    """The device on a server of its own."""
    profile = changed(profile) if isinstance(profile, str) else profile
    async with served("", values, profile=profile, **more) as one:
        yield one


def written(site: Served, name: str) -> int:
    """How often the point was written."""
    address = site.profile.writable[name].address
    return sum(at == address for _, at in site.registers.writes())


def mirror(site: Served, write: str, read: str) -> None:
    """A device whose read register is another one than the written."""
    target, source = site.profile.readable[read], site.profile.writable[write]
    if target.type == source.type:
        site.registers.mirrors[source.address] = target.address
