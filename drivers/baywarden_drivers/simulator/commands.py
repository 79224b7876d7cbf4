"""What the control socket and a site file's events can ask for: `{"do": "plug", "outlet": "a1", ...}`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from baywarden_drivers.simulator import asked
from baywarden_drivers.simulator.answers import Answer, outlet_as_told, state_of, written_of
from baywarden_drivers.simulator.errors import BadRequest
from baywarden_drivers.simulator.faults import FaultKind
from baywarden_drivers.simulator.human import fault_of

if TYPE_CHECKING:
    from baywarden_drivers.simulator.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its shape, what it does, and the keys that may be given by their place alone."""

    shape: type[asked.Asked]
    act: "Callable[[Simulation, Any], Answer]"
    places: tuple[str, ...] = ()


def perform(site: "Simulation", request: Mapping[str, Any]) -> Answer:
    """Do it and answer. Raises BadRequest and UnknownName."""
    act, wanted = _understood(site, request)
    return act(site, wanted)


def check(site: "Simulation", request: Mapping[str, Any]) -> None:
    """Whether a later request can be done at all. Raises BadRequest and UnknownName."""
    _, wanted = _understood(site, request)
    named = wanted.model_dump()
    for kind, find in (
        ("outlet", site.outlet),
        ("device", site.device),
        ("listener", site.where),
        ("meter", site.meter),
        ("of", site.counting),
    ):
        if kind in named:
            find(named[kind])


def request_of(name: object) -> Request:
    """The request of that name. Raises BadRequest that tells the possible ones."""
    if isinstance(name, str) and name in REQUESTS:
        return REQUESTS[name]
    near = get_close_matches(str(name), REQUESTS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise BadRequest(f"unknown request {name!r}{hint} there are {', '.join(sorted(REQUESTS))}")


def _understood(
    site: "Simulation", request: Mapping[str, Any]
) -> "tuple[Callable[[Simulation, Any], Answer], asked.Asked]":
    name = request.get("do")
    found = request_of(name)
    keys = found.shape.model_fields
    alone = _only_ones(site, keys)
    given = {**alone, **{key: value for key, value in request.items() if key != "words"}}
    given |= _by_place(found.places, request.get("words", ()), alone, str(name))
    try:
        return found.act, found.shape.model_validate(given)
    except ValidationError as error:
        faults = "; ".join(_fault(one, [key for key in keys if key != "do"]) for one in error.errors())
        raise BadRequest(f"{name}: {faults}") from None


def _by_place(places: Sequence[str], words: Any, alone: Mapping[str, str], name: str) -> dict[str, Any]:
    """What `delay left 300ms` says by the places of its words; a name that is the only one may be left out."""
    if not isinstance(words, list | tuple):
        raise BadRequest(f"{name}: words is a list")
    if places and places[0] in alone and (len(words) < len(places)) and alone[places[0]] not in words[:1]:
        places = places[1:]
    if len(words) > len(places):
        usual = " ".join(place.upper() for place in places)
        raise BadRequest(
            f"{name}: {words[len(places)]!r} is one word too many; write {name} {usual}".rstrip()
        )
    return dict(zip(places, words, strict=False))


def _fault(error: Any, keys: list[str]) -> str:
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {fault_of(error, keys)}" if place else fault_of(error, keys)


def _only_ones(site: "Simulation", keys: Iterable[str]) -> dict[str, str]:
    """Names that need not be given because there is but one."""
    known: Mapping[str, list[str]] = {
        "outlet": site.outlet_names,
        "device": [*site.devices],
        "listener": [*site.listeners],
        "meter": site.meter_names,
        "of": [*site.outlet_names, *site.meter_names],
    }
    return {key: known[key][0] for key in keys if len(known.get(key, [])) == 1}


def _at_outlet(act: "Callable[[Simulation, Any], None]") -> "Callable[[Simulation, Any], Answer]":
    """Do it and tell the outlet's truth."""

    def run(site: "Simulation", wanted: asked.AtOutlet) -> Answer:
        act(site, wanted)
        return outlet_as_told(site, site.outlet(wanted.outlet))

    return run


def _quiet(act: "Callable[[Simulation, Any], None]") -> "Callable[[Simulation, Any], Answer]":
    """Do it and tell nothing."""

    def run(site: "Simulation", wanted: asked.Asked) -> Answer:
        act(site, wanted)
        return {}

    return run


def _service(site: "Simulation", wanted: asked.Service) -> None:
    site.outlet(wanted.outlet).in_service = wanted.in_service


def _inject(site: "Simulation", wanted: asked.Inject) -> None:
    site.inject(
        wanted.device,
        FaultKind(wanted.do),
        value=wanted.amount,
        for_s=wanted.for_s,
        share=wanted.share,
        times=wanted.times,
    )


def _say(site: "Simulation", wanted: asked.Say) -> None:
    if (wanted.value is None) == (wanted.by is None):
        raise BadRequest("say: give either value or by")
    site.say(wanted.device, wanted.point, wanted.value, by=wanted.by, for_s=wanted.for_s)


def _base(site: "Simulation", wanted: asked.Base) -> None:
    base_a = wanted.base_a
    site.set_base(wanted.meter, base_a if isinstance(base_a, tuple) else (base_a, base_a, base_a))


_SHAPES: Mapping[FaultKind, type[asked.Inject]] = {
    FaultKind.DELAY: asked.Lasting,
    FaultKind.LATE: asked.Late,
    FaultKind.SLOW: asked.Lasting,
    FaultKind.BITS: asked.Bits,
    FaultKind.EXCEPTION: asked.Code,
}

REQUESTS: Mapping[str, Request] = {
    "plug": Request(asked.Plug, _at_outlet(lambda site, one: site.plug(one.outlet, one.make())), ("outlet",)),
    "unplug": Request(asked.AtOutlet, _at_outlet(lambda site, one: site.unplug(one.outlet)), ("outlet",)),
    "tag": Request(asked.Tag, _at_outlet(lambda site, one: site.tag(one.outlet, one.tag)), ("outlet", "tag")),
    "stop": Request(asked.AtOutlet, _at_outlet(lambda site, one: site.stop_session(one.outlet)), ("outlet",)),
    "start": Request(
        asked.AtOutlet, _at_outlet(lambda site, one: site.outlet(one.outlet).start()), ("outlet",)
    ),
    "fault": Request(
        asked.Fault, _at_outlet(lambda site, one: site.fault(one.outlet, one.code)), ("outlet", "code")
    ),
    "service": Request(asked.Service, _at_outlet(_service), ("outlet", "in_service")),
    **{
        kind.value: Request(
            _SHAPES.get(kind, asked.Inject),
            _quiet(_inject),
            ("device", "value") if kind in _SHAPES else ("device",),
        )
        for kind in FaultKind
    },
    "clear": Request(
        asked.Clear, _quiet(lambda site, one: site.clear(one.device, one.kind)), ("device", "kind")
    ),
    "say": Request(asked.Say, _quiet(_say), ("device", "point", "value")),
    "counter": Request(
        asked.Counter, _quiet(lambda site, one: site.set_counter(one.of, one.energy_wh)), ("of", "energy_wh")
    ),
    "reboot": Request(asked.AtDevice, _quiet(lambda site, one: site.reboot(one.device)), ("device",)),
    "disconnect": Request(
        asked.Disconnect,
        _quiet(lambda site, one: site.disconnect(one.listener, one.for_s)),
        ("listener", "for_s"),
    ),
    "base": Request(asked.Base, _quiet(_base), ("meter", "base_a")),
    "state": Request(asked.Asked, lambda site, _: state_of(site)),
    "written": Request(asked.WrittenSince, lambda site, one: written_of(site, one.since_s), ("since_s",)),
}
