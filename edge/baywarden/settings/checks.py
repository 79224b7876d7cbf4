"""What must hold between the tables of a site.toml.

These checks read the raw file, so that a wrong value in one place does not hide what is wrong in another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from baywarden.settings.access import access_faults
from baywarden.settings.errors import Fault, listed, nearest
from baywarden.settings.tree import STANDARD
from baywarden.settings.wires import NO_POLICY

Raw = Mapping[str, Any]


def cross_faults(raw: Raw, profiles: Iterable[str] | None = None) -> Iterator[Fault]:
    """Every broken relation in the file; `profiles` are the device profiles that exist, if known."""
    yield from _doubled_ids(raw)
    yield from _dangling(raw)
    yield from _rings(raw)
    yield from _shared_ends(raw)
    yield from _shared_units(raw)
    yield from _units_of_all(raw)
    yield from _shared_connectors(raw)
    yield from _foreign_currency(raw)
    yield from _too_slow(raw)
    yield from access_faults(raw, evses(raw))
    if profiles is not None:
        yield from _unknown_profiles(raw, sorted(profiles))


def tables(raw: Raw, key: str) -> Iterator[tuple[str, Raw]]:
    """The tables of an array, each with its place."""
    entries = raw.get(key)
    for at, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield f"{key}[{at}]", entry


def evses(raw: Raw) -> Iterator[tuple[str, Raw]]:
    """All EVSEs of all chargers."""
    for place, charger in tables(raw, "chargers"):
        for inner, evse in tables(charger, "evses"):
            yield f"{place}.{inner}", evse


def devices(raw: Raw) -> Iterator[tuple[str, Raw]]:
    """Chargers and meters."""
    yield from tables(raw, "chargers")
    yield from tables(raw, "meters")


def _word(entry: Raw, key: str) -> str | None:
    value = entry.get(key)
    return value if isinstance(value, str) else None


def _whole(entry: Raw, key: str, default: int | None = None) -> int | None:
    """The whole number under the key, the default where it is left out, None for anything else."""
    value = entry.get(key, default)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _ids(entries: Iterable[tuple[str, Raw]]) -> list[str]:
    return [name for _, entry in entries if (name := _word(entry, "id"))]


def _names(raw: Raw, key: str) -> list[str]:
    table = raw.get(key)
    return list(table) if isinstance(table, dict) else []


def _doubled_ids(raw: Raw) -> Iterator[Fault]:
    groups = [tables(raw, "links"), devices(raw), evses(raw), tables(raw, "circuits")]
    for group in groups:
        first: dict[str, str] = {}
        for place, entry in group:
            name = _word(entry, "id")
            if name in first:
                yield Fault(f"{place}.id", f"{name!r} is already the id of {first[name]}", "an id of its own")
            elif name:
                first[name] = place


def _dangling(raw: Raw) -> Iterator[Fault]:
    links, circuits = _ids(tables(raw, "links")), _ids(tables(raw, "circuits"))
    meters = _ids(tables(raw, "meters"))
    for place, device in devices(raw):
        yield from _reference(place, device, "link", links)
    for place, evse in evses(raw):
        yield from _reference(place, evse, "circuit", circuits)
        yield from _reference(place, evse, "terms", [*_names(raw, "terms"), STANDARD], "table [terms.{}]")
        policies = [*_names(raw, "overstay"), NO_POLICY]
        yield from _reference(place, evse, "overstay", policies, "table [overstay.{}]")
    for place, circuit in tables(raw, "circuits"):
        yield from _reference(place, circuit, "parent", circuits, "circuit")
        yield from _reference(place, circuit, "meter", meters)


def _reference(place: str, entry: Raw, key: str, known: list[str], what: str = "") -> Iterator[Fault]:
    name = _word(entry, key)
    if name is not None and name not in known:
        missing = what.format(name) if "{}" in what else f"{what or key} {name!r}"
        choice = listed(dict.fromkeys(known)) or f"none is defined: add a [[{what or key}s]] table"
        yield Fault(f"{place}.{key}", f"there is no {missing}", choice, nearest(name, known))


def _rings(raw: Raw) -> Iterator[Fault]:
    parents = {_word(c, "id"): _word(c, "parent") for _, c in tables(raw, "circuits")}
    told: set[str | None] = set()
    for place, circuit in tables(raw, "circuits"):
        path = [_word(circuit, "id")]
        while (up := parents.get(path[-1])) is not None and up not in path:
            path.append(up)
        if up is not None and up == path[0] and told.isdisjoint(path):
            told.update(path)
            ring = " -> ".join(str(name) for name in [*path, up])
            yield Fault(f"{place}.parent", f"the circuits feed each other in a ring: {ring}", "a tree")


def _shared_ends(raw: Raw) -> Iterator[Fault]:
    first: dict[tuple[str, int | None], tuple[str, str | None]] = {}
    for place, link in tables(raw, "links"):
        host, path, kind = _word(link, "host"), _word(link, "path"), _word(link, "type")
        if host is None and path is None:
            continue
        end = (host.lower(), _whole(link, "port", 502)) if host is not None else (str(path), None)
        if end not in first:
            first[end] = (place, kind)
            continue
        other, other_kind = first[end]
        shown = f"{end[0]}:{end[1]}" if end[1] is not None else end[0]
        if kind != other_kind:
            yield Fault(
                f"{place}.type",
                f"{shown} is {other_kind} in {other}: one end speaks one framing",
                str(other_kind),
            )
        else:
            yield Fault(place, f"{shown} is already {other}", "one link for all devices behind it")


def _shared_units(raw: Raw) -> Iterator[Fault]:
    first: dict[tuple[str, int | None], tuple[str, Raw]] = {}
    shared = Counter(_word(device, "link") for _, device in devices(raw))
    for place, device in devices(raw):
        link, unit = _word(device, "link"), _whole(device, "unit")
        if link is None or shared[link] == 1:
            continue
        other_place, other = first.setdefault((link, unit), (place, device))
        if "unit" not in device:
            yield Fault(
                f"{place}.unit", f"is missing: {shared[link]} devices share link {link!r}", "0 to 255"
            )
        elif (
            unit is not None and other is not device and not _two_channels(place, device, other_place, other)
        ):
            problem = f"unit {unit} on link {link!r} is already {other_place}"
            yield Fault(f"{place}.unit", problem, "a unit of its own")


def _units_of_all(raw: Raw) -> Iterator[Fault]:
    """On a serial line unit 0 is a broadcast: every device obeys, and none answers."""
    serial = {
        link.get("id") for _, link in tables(raw, "links") if link.get("type") in ("rtu", "rtu-over-tcp")
    }
    for place, device in devices(raw):
        if _whole(device, "unit") == 0 and _word(device, "link") in serial:
            yield Fault(f"{place}.unit", "unit 0 is all devices of a serial line at once", "1 to 255")


def _two_channels(place: str, device: Raw, other_place: str, other: Raw) -> bool:
    """Whether two meter tables are two channels of one meter."""
    return (
        place.startswith("meters")
        and other_place.startswith("meters")
        and device.get("profile") == other.get("profile")
        and device.get("connector", 1) != other.get("connector", 1)
    )


def _shared_connectors(raw: Raw) -> Iterator[Fault]:
    for place, charger in tables(raw, "chargers"):
        first: dict[int | None, str] = {}
        for inner, evse in tables(charger, "evses"):
            connector = _whole(evse, "connector", 1)
            other = first.setdefault(connector, inner)
            if connector is not None and other != inner:
                yield Fault(
                    f"{place}.{inner}.connector",
                    f"connector {connector} is already {place}.{other}",
                    "a connector of its own",
                )


def _foreign_currency(raw: Raw) -> Iterator[Fault]:
    site, policies = raw.get("site"), raw.get("overstay")
    if not isinstance(site, dict) or not isinstance(policies, dict):
        return
    for name, policy in policies.items():
        given = policy.get("currency") if isinstance(policy, dict) else None
        if given is not None and given != site.get("currency"):
            place = f"overstay.{name}.currency"
            yield Fault(place, f"{given!r} is not the site's currency", str(site.get("currency")))


def _too_slow(raw: Raw) -> Iterator[Fault]:
    site = raw.get("site")
    stale_s = site.get("stale_after_s", 10) if isinstance(site, dict) else 10
    for place, device in devices(raw):
        poll_s = device.get("poll_s", 1)
        if isinstance(poll_s, int | float) and isinstance(stale_s, int | float) and 2 * poll_s > stale_s:
            yield Fault(
                f"{place}.poll_s",
                f"every {poll_s} s is too rare for site.stale_after_s = {stale_s}: readings would be stale",
                f"at most {stale_s / 2:g}",
            )


def _unknown_profiles(raw: Raw, known: list[str]) -> Iterator[Fault]:
    for place, device in devices(raw):
        name = _word(device, "profile")
        if name is not None and name not in known and not Path(name).is_file():
            yield Fault(
                f"{place}.profile",
                f"there is no profile {name!r}",
                listed(known, 60),
                nearest(name, known),
            )
