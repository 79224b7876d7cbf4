"""`baywarden simulate do PATH REQUEST ...`: one request to a running simulator, and its answer for people."""

import json
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from baywarden_config.errors import DONE, ToolError, WrongUse
from baywarden_drivers.reasons import reason_of

PATIENCE_S = 10.0
USAGE = "write: baywarden simulate do PATH REQUEST ..., such as: do /tmp/field.sock plug a1 --battery 60kWh"
_FLAGS = frozenset({"json"})


def talk(words: Sequence[str]) -> int:
    """Say the words to the simulator that listens at the first of them. Raises ToolError."""
    if helped := _help_wanted(words):
        print("\n".join(helped))
        return DONE
    plain, given = _sorted_out(words)
    if len(plain) < 2:
        raise WrongUse(
            USAGE if not plain else f"{USAGE}; `do PATH help` tells all requests, and `state` what there is"
        )
    as_json = given.pop("json", None) is not None
    path, name, *rest = plain
    answer = _asked(path, {"do": name, "words": rest, **given})
    if not answer.pop("ok", False):
        raise WrongUse(str(answer.get("error", "no reason was given")))
    print(json.dumps(answer) if as_json else "\n".join(_told(answer)))
    return DONE


def _help_wanted(words: Sequence[str]) -> Sequence[str]:
    """The help, where it is asked for: `do --help`, `do PATH help`, `do PATH plug --help`, `do PATH help plug`."""
    flags = {"-h", "--help"}
    rest = [word for word in words if word not in flags]
    if len(rest) == len(words) and rest[1:2] != ["help"]:
        return []
    from baywarden_drivers.simulator.errors import BadRequest
    from baywarden_drivers.simulator.guide import guide, guide_to

    asked = [word for word in rest[1:] if word != "help" and not word.startswith("-")]
    try:
        return [f"usage: {USAGE.removeprefix('write: ')}", "", *(guide_to(asked[0]) if asked else guide())]
    except BadRequest as error:
        raise WrongUse(str(error)) from error


def _sorted_out(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Words by their place, and what follows `--key` or stands behind `--key=`."""
    plain: list[str] = []
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("--"):
            plain.append(word)
            continue
        key, equals, value = word[2:].partition("=")
        if not equals and key not in _FLAGS:
            following = next(rest, None)
            if following is None:
                raise WrongUse(f"--{key} needs a value behind it")
            value = following
        given[key.replace("-", "_")] = value
    return plain, given


def _asked(path: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The simulator's answer. Raises ToolError when there is none."""
    if os.path.exists(path) and not Path(path).is_socket():
        raise ToolError(
            f"no simulator answers at {path}: it is no socket; a simulator has one with --control PATH"
        )
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(PATIENCE_S)
            wire.connect(path)
            wire.sendall(json.dumps(request).encode() + b"\n")
            with wire.makefile("rb") as lines:
                line = lines.readline()
    except OSError as error:
        raise ToolError(f"no simulator answers at {path}: {reason_of(error)}") from error
    if not line:
        raise ToolError(f"the simulator at {path} ended before it answered")
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "ok" not in answer:
        raise ToolError(f"what answers at {path} is no simulator")
    return answer


def _told(answer: Mapping[str, Any]) -> Iterable[str]:
    """An answer in lines."""
    if "outlets" in answer:
        yield from _state(answer)
    elif "outlet" in answer:
        yield _outlet(answer)
    elif "writes" in answer:
        yield from _written(answer)
    else:
        yield "done"


def _state(answer: Mapping[str, Any]) -> Iterable[str]:
    yield f"{_clock(answer['now_s'])} after the start"
    for name, where in answer["listeners"].items():
        yield f"{name}: {where}"
    for outlet in answer["outlets"].values():
        yield _outlet(outlet)
    for name, meter in answer["meters"].items():
        currents = " ".join(f"{current_a:.2f}" for current_a in meter["currents_a"])
        yield f"{name}: {currents} A, {meter['power_w'] / 1000:.2f} kW, {meter['energy_wh'] / 1000:.1f} kWh"
    for name, kinds in answer.get("faults", {}).items():
        if kinds:
            yield f"{name}: faults on: {', '.join(kinds)}"


def _outlet(told: Mapping[str, Any]) -> str:
    """`a1: charging, 16.0 A on 3 phases, 11.04 kW, allowed 16 A, car at 52 %`."""
    flows = [current_a for current_a in told["currents_a"] if current_a > 0]
    parts = [f"{told['outlet']}: {told['state']}"]
    if flows:
        phases = "1 phase" if len(flows) == 1 else f"{len(flows)} phases"
        parts.append(f"{max(flows):.1f} A on {phases}, {told['power_w'] / 1000:.2f} kW")
    parts.append(f"allowed {told['allowed_a']:g} A" + (" (fail-safe)" if told["failsafe"] else ""))
    if told["error_code"]:
        parts.append(f"error {told['error_code']}")
    if told["car"] is not None:
        parts.append(f"car at {100 * told['car']['soc']:.0f} %")
    return ", ".join(parts)


def _written(answer: Mapping[str, Any]) -> Iterable[str]:
    lines = [
        (one["at_s"], f"{one['outlet'] or one['device']}: {one['point']} = {one['value']}")
        for one in answer["writes"]
    ]
    lines += [
        (one["at_s"], f"{one['outlet']}: allows {one['allowed_a']:g} A ({one['why']})")
        for one in answer["allowed"]
    ]
    for at_s, text in sorted(lines):
        yield f"{_clock(at_s)} {text}"


def _clock(moment_s: float) -> str:
    whole = int(moment_s)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
