"""Looks for devices on a serial line or behind a TCP port. Only reads, one question at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from baywarden_drivers.bench.identify import Who, identify
from baywarden_drivers.bench.line import Heard, Hearing, Line, Setting
from baywarden_drivers.bench.serial_line import SerialLine
from baywarden_drivers.bench.settings import likely_units, probe_requests
from baywarden_drivers.bench.tcp_line import TcpLine
from baywarden_drivers.errors import LinkDown
from baywarden_drivers.profile.schema import Profile

_LISTEN_S = 0.6
_PROBES = (0, 1)
_CHECKS = 5
"""How often a device that was found is asked again, to see whether its answers come whole."""

Progress = Callable[[int, int, str], None]
"""Takes how many of how many questions were asked, and what is being tried."""


@dataclass(slots=True)
class Found:
    """A device that answers. Of `checks` repeated questions `damaged` came back damaged and `lost` not at all."""

    unit: int
    setting: Setting | None = None
    who: Who = field(default_factory=lambda: Who((), 0))
    checks: int = 0
    damaged: int = 0
    lost: int = 0
    crowded: int = 0
    """Answers with a second whole or broken one behind them."""


@dataclass(slots=True)
class Sweep:
    """All that was heard on one wire."""

    where: str
    kind: Literal["rtu", "tcp", "rtu-over-tcp"]
    found: list[Found] = field(default_factory=list)
    asked: int = 0
    settings: list[Setting] = field(default_factory=list)
    """The settings that were tried."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Settings that the port does not take, and why."""
    noises: dict[str, int] = field(default_factory=dict)
    """Damaged answers by setting."""
    noisy_units: dict[int, int] = field(default_factory=dict)
    """Units where nothing but damaged answers came, at a setting where others (or nobody) answer well."""
    echoes: int = 0
    unasked_bytes: int = 0
    hung_up: int = 0
    """Questions to which the connection was closed instead of an answer."""
    trouble: str = ""
    """Why the wire could not be used, or not to the end."""

    def note(self, heard: Heard, setting: Setting | None) -> None:
        """Count what came back."""
        self.asked += 1
        self.echoes += heard.has_echo
        self.hung_up += heard.how is Hearing.HUNG_UP
        self.unasked_bytes += len(heard.unasked)
        if heard.how is Hearing.NOISE:
            self.noises[str(setting)] = self.noises.get(str(setting), 0) + 1


def sweep_serial(
    line: SerialLine,
    settings: Sequence[Setting],
    units: Sequence[int],
    profiles: Sequence[Profile],
    *,
    every_setting: bool = False,
    tell: Progress | None = None,
) -> Sweep:
    """Try every unit at every setting; once somebody answers at a setting, the others are left out.

    First with the question that most devices answer, then with a second one. Without profiles nobody is named.
    """
    rtu = [one for one in profiles if one.transport.rtu is not None]
    look = _Look(line, likely_units(rtu, units), rtu, tell, len(settings))
    sweep = look.sweep
    try:
        sweep.unasked_bytes += len(line.listen(_LISTEN_S))
        for probe in _PROBES:
            for setting in settings:
                if not look.set(line, setting):
                    continue
                look.round(probe)
                if sweep.found and not every_setting:
                    return sweep
            if sweep.found:
                break
    except LinkDown as error:
        sweep.trouble = error.detail
    return sweep


def sweep_tcp(
    line: TcpLine, units: Sequence[int], profiles: Sequence[Profile], *, tell: Progress | None = None
) -> Sweep:
    """Try every unit behind one host and port."""
    look = _Look(line, units, profiles, tell, 1)
    try:
        for probe in _PROBES:
            look.round(probe)
            if look.sweep.found:
                break
    except LinkDown as error:
        look.sweep.trouble = error.detail
    return look.sweep


class _Look:
    """One wire being looked at."""

    def __init__(
        self,
        line: Line,
        units: Sequence[int],
        profiles: Sequence[Profile],
        tell: Progress | None,
        settings: int,
    ) -> None:
        self.sweep = Sweep(line.name, line.kind)
        self._line = line
        self._units = units
        self._profiles = profiles
        self._tell = tell
        self._total = settings * len(units) * len(_PROBES)
        self._step = 0
        self._setting: Setting | None = None

    def set(self, line: SerialLine, setting: Setting) -> bool:
        """Another setting from now on; False when the port does not take it."""
        try:
            line.set(setting)
        except LinkDown as error:
            if not self.sweep.asked and not self.sweep.settings:
                raise
            self.sweep.skipped[str(setting)] = error.detail
            self._step += len(self._units)
            return False
        if setting not in self.sweep.settings:
            self.sweep.settings.append(setting)
        self._setting = setting
        return True

    def round(self, probe: int) -> None:
        """One question to every unit, and a closer look where somebody answers."""
        present = []
        for unit in self._units:
            if self._tell is not None:
                self._tell(self._step, self._total, f"{self._setting or self._line.name}, unit {unit}")
            self._step += 1
            if self._is_there(unit, probe):
                present.append(unit)
        if present:
            self._look_closer(present, probe)

    def _is_there(self, unit: int, probe: int) -> bool:
        heard = self._ask(unit, probe)
        for _ in range(2):  # what came damaged may have been damaged by chance
            if heard.how is not Hearing.NOISE:
                break
            heard = self._ask(unit, probe)
        if heard.how is Hearing.NOISE:
            self.sweep.noisy_units[unit] = self.sweep.noisy_units.get(unit, 0) + 1
        return heard.is_device

    def _ask(self, unit: int, probe: int) -> Heard:
        heard = self._line.ask(probe_requests(unit)[probe])
        self.sweep.note(heard, self._setting)
        return heard

    def _look_closer(self, present: list[int], probe: int) -> None:
        """The setting is right: who is silent about the first question, how well answers come, who is it."""
        answered = dict.fromkeys(present, probe)
        others = [unit for unit in self._units if unit not in answered]
        answered |= {unit: 1 - probe for unit in others if self._is_there(unit, 1 - probe)}
        for unit in sorted(answered):
            found = Found(unit, self._setting)
            self.sweep.found.append(found)
            self._check(found, answered[unit])
            if self._profiles:
                found.who = identify(self._line, unit, self._profiles, self._telling(unit))

    def _check(self, found: Found, probe: int) -> None:
        for _ in range(_CHECKS):
            heard = self._line.ask(probe_requests(found.unit)[probe], trailing=True)
            found.checks += 1
            found.damaged += heard.how is Hearing.NOISE
            found.lost += heard.how is not Hearing.NOISE and not heard.is_device
            found.crowded += bool(heard.extra)

    def _telling(self, unit: int) -> Callable[[int, int], None] | None:
        tell = self._tell
        if tell is None:
            return None
        return lambda done, total: tell(done, total, f"unit {unit}: who is it?")
