"""All requests to a running simulator, told in lines."""

from collections.abc import Mapping, Sequence
from typing import Final

from baywarden_drivers.simulator.commands import REQUESTS, request_of
from baywarden_drivers.simulator.human import short_of

_DOES: Final[Mapping[str, str]] = {
    "plug": "a car is plugged in",
    "unplug": "the car leaves",
    "tag": "a card is held to the reader",
    "stop": "the session ends at the charger, the car stays",
    "start": "it begins again",
    "fault": "an error at the outlet; 0 clears it",
    "service": "the outlet is in service, or not",
    "silence": "no request is answered",
    "mute": "requests are obeyed, but their answers are lost",
    "delay": "answers come so many ms later",
    "late": "answers come only after the next request, and so many ms later",
    "slow": "so many ms from byte to byte of the answer",
    "bits": "this share of the bits of an answer arrives wrong",
    "cut": "half an answer",
    "duplicate": "every answer comes twice",
    "hang_up": "the connection is closed instead of an answer",
    "exception": "this Modbus exception instead of an answer",
    "frozen": "all points say the same for ever",
    "stuck": "the points that tell the state say the same for ever",
    "ignore_writes": "writes are answered and change nothing",
    "clear": "an end to one kind of misbehaviour, or to all",
    "say": "a point says this value, or so much more than it would",
    "counter": "an energy counter stands at another figure",
    "reboot": "a restart: silent for a while, volatile settings lost",
    "disconnect": "connections break, and nothing listens for so long",
    "base": "what the building draws",
    "state": "the truth: outlets, meters, faults, where everything listens",
    "written": "what was written to every device, and what each outlet allowed",
}


def guide() -> Sequence[str]:
    """One line a request, with the words that follow it."""
    heads = {name: _head(name) for name in REQUESTS}
    width = max(map(len, heads.values()))
    lines = [f"  {head.ljust(width)}  {_DOES[name]}" for name, head in heads.items()]
    return [
        "requests:",
        *lines,
        "",
        "A name that is the only one may be left out; figures may carry units (60kWh, 300ms, 40%).",
        "`do PATH REQUEST --help` tells all keys of one; `--json` prints the answer as it came.",
    ]


def guide_to(name: str) -> Sequence[str]:
    """One request with all its keys. Raises BadRequest for one that is not there."""
    request = request_of(name)
    keys = [f"--{short_of(key).replace('_', '-')}" for key in request.shape.model_fields if key != "do"]
    return [f"  {_head(name)}", f"  {_DOES[name]}", "", f"keys: {', '.join(keys) or 'none'}"]


def _head(name: str) -> str:
    return " ".join([name, *(short_of(place).upper() for place in REQUESTS[name].places)])
