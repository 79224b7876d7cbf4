"""A simulated charger: its outlets behind the registers of its profile."""

from collections.abc import Mapping, Sequence
from functools import partial

from baywarden_drivers.profile.points import ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.device import OTHER_PHASES, Device, DeviceSettings
from baywarden_drivers.simulator.disguise import Disguise
from baywarden_drivers.simulator.effects import EFFECTS, meaning, number
from baywarden_drivers.simulator.failsafe import Sign
from baywarden_drivers.simulator.made_up import capacity
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.shipped import again_point_of, no_master_code_of
from baywarden_drivers.simulator.truth import OUTLET, STATION, Teller, Truth, line_to_line
from baywarden_drivers.values.value import Value


class Charger(Device):
    """One controller with one or more outlets; connector numbers count from 1."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        outlets: Sequence[Outlet],
        *,
        unit: int | None = None,
        values: Mapping[str, Truth] | None = None,
        without: frozenset[str] = frozenset(),
        settings: DeviceSettings | None = None,
    ) -> None:
        self.outlets = tuple(outlets)
        self._disguise = Disguise(profile)
        settings = settings or DeviceSettings(unit=unit, values=values or {}, without=without)
        missing = (*OTHER_PHASES[outlets[0].phases], *(() if outlets[0].dc else ("_dc",)))
        super().__init__(name, profile, settings, connectors=len(outlets), missing=missing)
        code = no_master_code_of(profile)
        self._goes_on_by = again_point_of(profile) if code is not None else None
        for outlet in self.outlets:
            if code is not None:
                outlet.no_master_code, outlet.latches = code, True

    @property
    def listens(self) -> bool:
        """Whether it takes limits: some want to be told first that they are controlled."""
        if "ems_control" not in self.profile.writable:
            return True
        return any(value for (name, _), value in self.memory.items() if name == "ems_control")

    def physics(self, point: ReadPoint, connector: int | None) -> Teller | None:
        if point.name in STATION:
            return partial(STATION[point.name], self)
        outlet = self.outlets[(connector or 1) - 1]
        if point.name in self._disguise.points:
            return partial(self._state, point.name, outlet, connector)
        if point.name == "pause_state":
            return partial(self._pause_state, point, outlet)
        if point.name in OUTLET:
            return _as_type(point, partial(OUTLET[point.name], outlet))
        return line_to_line(point.name, outlet.voltage_v)

    def _state(self, name: str, outlet: Outlet, connector: int | None) -> Truth:
        return self._disguise.of(outlet, partial(self._other, connector))[name]

    def _other(self, connector: int | None, name: str) -> Truth:
        point = self.profile.readable[name]
        return self.truth(point, None if point.scope == "station" else connector or 1)

    def _pause_state(self, point: ReadPoint, outlet: Outlet) -> Truth:
        """The number that the profile has for a pause, else 1."""
        told = point.values or (
            self.profile.writable["pause"].values if "pause" in self.profile.writable else {}
        )
        wanted = "continue" if outlet.allowance.enabled else "pause"
        known = [raw for raw, words in told.items() if words.startswith(wanted)]
        return known[0] if known else int(not outlet.allowance.enabled)

    def obey(self, point: WritePoint, connector: int | None, value: Value) -> None:
        effect = EFFECTS.get(point.name)
        chosen = self.outlets if connector is None else (self.outlets[connector - 1],)
        for outlet in chosen:
            if effect is not None:
                effect(self, outlet, point, value)
            self._feed(point, outlet, value)
            if point.name == self._goes_on_by:
                outlet.unlatch()
            outlet.allowance.advance(self.now_s)

    def _feed(self, point: WritePoint, outlet: Outlet, value: Value) -> None:
        """Writes that are signs of life."""
        settings, control, failsafe = self.profile.failsafe, self.profile.control, outlet.allowance.failsafe
        if settings is None:
            return
        if control is not None and point.name == control.limit:
            failsafe.hear(Sign.SETPOINT, self.now_s)
        if point.name == settings.heartbeat_point:
            if "supervision off" in meaning(point, value):
                failsafe.enabled = False
            else:
                failsafe.beat(number(value), self.now_s)
        if any(one.point == point.name and one.value == value for one in settings.enable):
            failsafe.enabled = True
        if point.name == settings.timeout_point:
            failsafe.hear(Sign.TIMEOUT, self.now_s)
        if point.persistent and point.name.startswith("failsafe_"):
            failsafe.persist()

    def hear(self, connectors: set[int], sign: Sign) -> None:
        for connector in connectors:
            allowance = self.outlets[connector - 1].allowance
            allowance.failsafe.hear(sign, self.now_s)
            allowance.advance(self.now_s)

    def is_status(self, point: ReadPoint) -> bool:
        return point.name in self._disguise.points or point.name.endswith(("status", "_state"))

    def reboot(self) -> None:
        super().reboot()
        for outlet in self.outlets:
            outlet.reboot()


def _as_type(point: ReadPoint, tell: Teller) -> Teller:
    """A card's identification is a text here and a number there, an error code a number here and a list there."""
    if point.name == "id_tag" and point.dtype != "string":
        return lambda: _tag_number(point, str(tell()))
    if point.dtype == "string":
        return lambda: str(tell())[: capacity(point)]
    if point.dtype in ("u16", "i16", "bool") and point.count > 1:
        return lambda: _first_of(point, tell())
    return tell


def _tag_number(point: ReadPoint, text: str) -> Truth:
    """The first four bytes of the card in a number; in bytes all of them, or the letters of what is no card."""
    if point.dtype == "bytes":
        try:
            told = bytes.fromhex(text)
        except ValueError:
            told = text.encode("ascii", "replace")
        return told.ljust(2 * point.count, b"\0")[: 2 * point.count]
    try:
        return int(text[:8] or "0", 16)
    except ValueError:
        return 0


def _first_of(point: ReadPoint, truth: Truth) -> Truth:
    first = int(truth) if isinstance(truth, int | float) else 0
    return (first, *[0] * (point.count - 1))
