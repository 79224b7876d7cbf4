"""The tree of circuits, phase by phase. A line is one phase of one circuit."""

from dataclasses import dataclass

from baywarden.model.site import Circuit, EvseRules, SiteRules

PHASES = 3


class Tree:
    """Which lines feed what. A line's number is the circuit's place times three plus its phase less one."""

    def __init__(self, rules: SiteRules) -> None:
        self.circuits: tuple[Circuit, ...] = tuple(rules.circuits.values())
        self._place = {circuit.id: index for index, circuit in enumerate(self.circuits)}
        self._paths = {circuit.id: self._path_of(circuit) for circuit in self.circuits}
        self._feeds: dict[tuple[str, tuple[int, ...]], tuple[tuple[int, ...], ...]] = {}
        self._lines: dict[tuple[str, tuple[int, ...]], tuple[int, ...]] = {}

    def feeds(self, evse: EvseRules) -> tuple[tuple[int, ...], ...]:
        """For each phase of the outlet's own, in order, the lines up to the root that carry its current."""
        key = evse.circuit_id, evse.phases
        known = self._feeds.get(key)
        if known is None:
            path = self._paths[evse.circuit_id]
            known = tuple(tuple(place * PHASES + phase - 1 for place in path) for phase in evse.phases)
            self._feeds[key] = known
        return known

    def lines(self, evse: EvseRules) -> tuple[int, ...]:
        """All lines that carry the outlet's current."""
        key = evse.circuit_id, evse.phases
        known = self._lines.get(key)
        if known is None:
            known = self._lines[key] = tuple(line for feed in self.feeds(evse) for line in feed)
        return known

    def limits_ma(self) -> list[int]:
        """The limit of each line."""
        return [circuit.limit_ma for circuit in self.circuits for _ in range(PHASES)]

    def base_loads_ma(self) -> list[int]:
        """The load of others to assume on each line: the circuit's own and that of all circuits below it."""
        loads = [0] * (len(self.circuits) * PHASES)
        for circuit in self.circuits:
            for place in self._paths[circuit.id]:
                for phase in range(PHASES):
                    loads[place * PHASES + phase] += circuit.base_load_ma
        return loads

    def upwards(self) -> list[tuple[int, int | None]]:
        """Every circuit's place with that of its parent, children before parents."""
        order = sorted(
            range(len(self.circuits)), key=lambda place: -len(self._paths[self.circuits[place].id])
        )
        return [(place, self._parent(place)) for place in order]

    def name(self, line: int) -> str:
        """`circuit yard L2`, for people."""
        return f"circuit {self.circuits[line // PHASES].id} L{line % PHASES + 1}"

    def _parent(self, place: int) -> int | None:
        path = self._paths[self.circuits[place].id]
        return path[1] if len(path) > 1 else None

    def _path_of(self, circuit: Circuit) -> tuple[int, ...]:
        path: list[int] = []
        above: Circuit | None = circuit
        while above is not None and self._place[above.id] not in path:
            path.append(self._place[above.id])
            above = self.circuits[self._place[above.parent]] if above.parent in self._place else None
        return tuple(path)


@dataclass(frozen=True, slots=True)
class FailsafeFault:
    """A circuit that would be overloaded with the gateway dead."""

    circuit_id: str
    phase: int
    failsafe_ma: int
    load_ma: int
    limit_ma: int
    outlets: int

    def __str__(self) -> str:
        return (
            f"circuit {self.circuit_id} L{self.phase}: with the gateway dead its {self.outlets} outlets fall back to "
            f"{amps(self.failsafe_ma)} A in sum, beside {amps(self.load_ma)} A of other load; "
            f"its limit is {amps(self.limit_ma)} A"
        )


def failsafe_sum_faults(rules: SiteRules) -> tuple[FailsafeFault, ...]:
    """For each circuit that the fail-safe currents and the base load would overload, its worst phase."""
    tree = Tree(rules)
    limits, loads = tree.limits_ma(), tree.base_loads_ma()
    sums, outlets = [0] * len(limits), [0] * len(limits)
    for evse in rules.evses.values():
        for feed in tree.feeds(evse):
            for line in feed:
                sums[line] += evse.failsafe_ma
                outlets[line] += 1
    faults = []
    for place, circuit in enumerate(tree.circuits):
        line = max(range(place * PHASES, place * PHASES + PHASES), key=lambda one: (sums[one], -one))
        if sums[line] and sums[line] + loads[line] > limits[line]:
            phase = line % PHASES + 1
            faults.append(
                FailsafeFault(circuit.id, phase, sums[line], loads[line], limits[line], outlets[line])
            )
    return tuple(faults)


def amps(current_ma: int) -> str:
    """`16` or `13.8`, for people."""
    whole, rest = divmod(abs(current_ma), 1000)
    sign = "-" if current_ma < 0 else ""
    return f"{sign}{whole}.{rest // 100}" if rest >= 100 else f"{sign}{whole}"
