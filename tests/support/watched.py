"""A watch over the values of one device, fed by hand, on a clock that only the test moves."""

from dataclasses import dataclass, field
from typing import Any

from baywarden_drivers import PointValue, Profile, Quality, load_profile
from baywarden_drivers.values.quality import Watch
from baywarden_drivers.values.value import Value


@dataclass
class Watched:
    """Values are given poll by poll; what is not given is read again as it was."""

    profile: Profile
    watch: Watch
    now_ms: int = 1_000_000
    said: dict[str, PointValue] = field(default_factory=dict)
    seen: dict[str, PointValue] = field(default_factory=dict)

    def poll(self, *, after_s: Any = 1, **values: Value | None) -> list[str]:
        """So many seconds later: the sentences of the watch; None is a value that the device does not have.

        `after_s` is a float; values come as `**mapping`, which might hold it too as far as a type can tell.
        """
        self.now_ms += int(after_s * 1000)
        for name, point in self.said.items():
            self.said[name] = PointValue(point.value, point.quality, self.now_ms, point.reason)
        for name, value in values.items():
            quality = Quality.NOT_AVAILABLE if value is None else Quality.GOOD
            self.said[name] = PointValue(value, quality, self.now_ms, "" if value is not None else "none")
        return self._judge()

    def poll_others(self, *names: str, after_s: float = 1) -> list[str]:
        """One poll later, in which `names` were not read."""
        self.now_ms += int(after_s * 1000)
        for name, point in self.said.items():
            if name not in names:
                self.said[name] = PointValue(point.value, point.quality, self.now_ms, point.reason)
        return self._judge()

    def _judge(self) -> list[str]:
        seen, sentences = self.watch.judge(self.said, self.now_ms)
        self.seen = dict(seen)
        return sentences


def watched(name: str) -> Watched:
    """A device of which nothing was read yet."""
    profile = load_profile(name)
    missing = {one.name: PointValue(None, Quality.MISSING, 0, "not read yet") for one in profile.read}
    return Watched(profile, Watch(profile), said=missing)
