"""What a scan has found, as tables for site.toml: whole, with names of their own for every wire."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from baywarden_drivers.bench.sweep import Found, Sweep
    from baywarden_drivers.profile import Profile

_LONGEST: Final = 24
"""An id has 36 characters at most, and `charger-` and a unit number stand around this one."""
_USUAL_PORT: Final = 502
_MOST_POLL_S: Final = 5
"""Half of site.stale_after_s as it is by default."""
_FAILSAFE_S: Final = 30
_WASTE: Final = re.compile(r"^(usb-)|(-if\d+)?(-port\d+)?$")


def tables(sweep: "Sweep", known: "Mapping[str, Profile]") -> Iterator[str]:
    """The link and the devices at its setting that are known well enough."""
    from baywarden_drivers.bench.verdict import told

    setting = sweep.found[0].setting
    link = link_id(sweep.where)
    yield "[[links]]"
    yield f'id = "{link}"'
    yield f'type = "{sweep.kind}"'
    if setting is not None:
        yield f"path = {json.dumps(sweep.where)}"
        yield from told(setting)
    else:
        host, _, port = sweep.where.rpartition(":")
        yield f"host = {json.dumps(host)}"
        yield f"port = {port}"
    chosen = [one for one in sweep.found if one.who.best is not None and one.setting == setting]
    poll_s = _poll_s(sweep, chosen, known)
    for found in chosen:
        assert found.who.best is not None
        yield from _device(found, known[found.who.best.profile], sweep.where, link, poll_s)


def _device(found: "Found", profile: "Profile", where: str, link: str, poll_s: float) -> Iterator[str]:
    yield ""
    yield f"[[{profile.kind}s]]"
    yield f'id = "{profile.kind}-{link}-{found.unit}"'
    yield f'profile = "{profile.name}"'
    yield f'link = "{link}"'
    yield f"unit = {found.unit}"
    late = poll_s > _MOST_POLL_S
    yield f"poll_s = {poll_s:g}" + (f"  # needs site.stale_after_s = {2 * poll_s:g} or more" if late else "")
    if profile.kind == "charger":
        if 3 * poll_s > _FAILSAFE_S:
            yield f"failsafe_timeout_s = {math.ceil(3 * poll_s)}"
        yield ""
        yield "[[chargers.evses]]"
        yield f'id = "bay-{link}-{found.unit}"'
        yield f"label = {json.dumps(_label(found, where))}  # what people read on it"
        yield 'circuit = "main"  # the id of one of your [[circuits]]'


def link_id(where: str) -> str:
    """A name for the wire, made of its port or host: `ttyusb0`, `192-0-2-7`."""
    if where.startswith("/"):
        name = _WASTE.sub("", where.rpartition("/")[2].lower())
    else:
        host, _, port = where.rpartition(":")
        name = host if port == str(_USUAL_PORT) else f"{host}-{port}"
    parts = [part for part in re.split(r"[^a-z0-9]+", name.lower()) if part]
    while len("-".join(parts)) > _LONGEST and len(parts) > 1:
        parts.pop(0)  # what tells ports apart stands at the end
    return "-".join(parts)[-_LONGEST:] or "wire"


def _label(found: "Found", where: str) -> str:
    """Where it is, until somebody says what stands on it."""
    if where.startswith("/"):
        return f"Unit {found.unit} at {where.rpartition('/')[2]}"[-60:]
    return f"Charger at {where.removesuffix(f':{_USUAL_PORT}')}"[-60:]


def _poll_s(sweep: "Sweep", chosen: "Sequence[Found]", known: "Mapping[str, Profile]") -> float:
    """As often as the wire and the slowest of the devices carry, once a second at most."""
    from baywarden_drivers.bench.budget import FULL, Wanted, budget_of

    devices = [
        Wanted(str(one.unit), known[one.who.best.profile], unit=one.unit) for one in chosen if one.who.best
    ]
    budget = budget_of(sweep.where, sweep.found[0].setting, devices)
    least_s = max([1.0, budget.load / FULL, *(share.own_s for share in budget.shares)])
    return math.ceil(least_s * 2) / 2 if least_s < _MOST_POLL_S else math.ceil(least_s)
