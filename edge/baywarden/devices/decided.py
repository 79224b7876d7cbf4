"""What a device has shown of what its profile leaves open, in the site's words and for the next run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from baywarden.model.reading import Decision
from baywarden_drivers import Device
from baywarden_drivers.doubts.decision import Decision as Told
from baywarden_drivers.doubts.decision import Remembered

Memory = Mapping[str, list[dict[str, str]]]
"""By the name of the device, as it is kept in a file."""

_FIELDS = frozenset(Remembered.__slots__)


class Decided:
    """The decisions of one device, made anew only when one of them changes: they are asked for with every poll."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._told = device.decisions
        self._shown = _in_our_words(self._told)

    def now(self) -> tuple[Decision, ...]:
        """As they are now."""
        told = self._device.decisions
        if told != self._told:
            self._told, self._shown = told, _in_our_words(told)
        return self._shown


def _in_our_words(told: Sequence[Told]) -> tuple[Decision, ...]:
    return tuple(Decision(one.name, one.choice, one.decided, one.why, str(one)) for one in told)


def recall(devices: Mapping[str, Device], memory: Memory) -> None:
    """Tell each device what it has shown in earlier runs; what is not understood is left out."""
    for name, device in devices.items():
        device.recall([Remembered(**one) for one in memory.get(name, ()) if set(one) == _FIELDS])


def memory_of(devices: Iterable[tuple[str, Device]]) -> Memory:
    """What is worth keeping for the next run."""
    return {name: [asdict(one) for one in kept] for name, device in devices if (kept := device.memory)}
