"""What happens at the site, scene by scene, in minutes of its own time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from baywarden_config.demo.console import Console, local
from baywarden_config.demo.site import LABELS
from baywarden_config.demo.stage import Stage

MINUTE_S: Final = 60.0
_REPLY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that happens at a minute of the story."""

    minute: float
    play: Callable[["Story"], None]


class Story:
    """Plays the scenes that are due. `said` is the console."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self.stage = stage
        self.console = console
        self._began_at = stage.clock.now()
        self._left: list[Scene] = sorted(SCENES, key=lambda scene: scene.minute)
        self._encore = 0

    @property
    def over(self) -> bool:
        """Whether every scene was played."""
        return not self._left

    def go_on(self) -> None:
        """Play what is due now."""
        while self._left and self._minute >= self._left[0].minute:
            self._left.pop(0).play(self)

    def encore(self) -> None:
        """Ordinary life for those who want to watch longer: short stays, nothing breaks."""
        self._encore += 1
        start = self._minute
        self._left = [Scene(start + scene.minute, scene.play) for scene in ORDINARY]

    @property
    def _minute(self) -> float:
        return (self.stage.clock.now() - self._began_at).total_seconds() / MINUTE_S

    # What the scenes are made of

    def book(self, name: str, bay: str, in_min: float, for_min: float, token: str) -> None:
        """The cloud asks for a booking and says what it was told."""
        start_at = self.stage.clock.now() + timedelta(minutes=in_min)
        start_at = start_at.replace(second=0, microsecond=0)
        end_at = start_at + timedelta(minutes=for_min)
        wish = f"{LABELS[bay]} from {local(start_at)} to {local(end_at)}"
        times = {"start_at": start_at.isoformat(), "end_at": end_at.isoformat()}
        self._ask(
            "booking.put", f"asks for {wish}", {"booking_id": name, "evse_id": bay, "token": token, **times}
        )

    def cancel(self, name: str) -> None:
        """The cloud cancels a booking."""
        self._ask("booking.cancel", f"cancels booking {name}", {"booking_id": name})

    def _ask(self, command: str, wish: str, params: dict[str, Any]) -> None:
        cloud = self.stage.cloud
        reply = cloud.reply(cloud.ask(command, params), _REPLY_S)
        if reply is None:
            self.console.say("cloud", f"{wish}: no answer yet")
        elif reply["result"] == "ACCEPTED":
            self.console.say("cloud", f"{wish}: accepted")
        else:
            self.console.say("cloud", f"{wish}: {reply['result']}, {reply['reason']} ({reply['detail']})")

    def arrive(self, bay: str, kwh: float, who: str, battery_kwh: float = 40.0) -> None:
        """A car is plugged in."""
        self.stage.cars.arrive(bay, kwh * 1000, battery_kwh * 1000)
        self.console.say("driver", f"{who} plugs in at {LABELS[bay]} and wants {kwh:g} kWh")

    def leave(self, bay: str, who: str) -> None:
        """A car leaves."""
        self.console.say("driver", f"{who} leaves {LABELS[bay]}")
        self.stage.cars.leave(bay)

    def broker_goes(self) -> None:
        """The cloud is cut off."""
        self.stage.broker.stop()
        self.console.say("broker", "the MQTT broker is stopped: the site is on its own, events pile up")

    def broker_comes(self) -> None:
        """The cloud is back."""
        waiting = self.stage.ledger.waiting()
        self.console.say("broker", f"the MQTT broker is back; {waiting} events wait at the site")
        self.stage.broker.restart()

    def kill(self) -> None:
        """The worst that can happen to the daemon."""
        pid = self.stage.kill_daemon()
        self.console.say("daemon", f"killed with SIGKILL (process {pid})")

    def revive(self) -> None:
        """The service manager would do this."""
        self.stage.start_daemon()
        self.console.say("daemon", f"started again (process {self.stage.daemon.pid}), it knows what it knew")


SCENES: Final[Sequence[Scene]] = (
    Scene(0.0, lambda s: s.book("kept", "bay-4", in_min=7, for_min=20, token="DE-8AA-KEPT-0001")),
    Scene(0.4, lambda s: s.book("no-show", "bay-1", in_min=8, for_min=20, token="DE-8AA-LOST-0002")),
    Scene(0.8, lambda s: s.book("refused", "bay-4", in_min=12, for_min=20, token="DE-8AA-LATE-0003")),
    Scene(1.2, lambda s: s.arrive("bay-2", 1.0, "a walk-in", battery_kwh=10)),
    Scene(1.8, lambda s: s.arrive("bay-6", 9.0, "a walk-in")),
    Scene(2.4, lambda s: s.arrive("bay-8", 6.0, "a walk-in")),
    Scene(3.0, lambda s: s.arrive("bay-5", 9.0, "a walk-in")),
    Scene(7.5, lambda s: s.arrive("bay-4", 2.5, "the driver of booking kept")),
    Scene(10.5, lambda s: s.broker_goes()),
    Scene(16.0, lambda s: s.broker_comes()),
    Scene(20.0, lambda s: s.kill()),
    Scene(20.5, lambda s: s.revive()),
    Scene(23.0, lambda s: s.book("dropped", "bay-9", in_min=10, for_min=30, token="DE-8AA-DROP-0004")),
    Scene(24.0, lambda s: s.cancel("dropped")),
    Scene(26.0, lambda s: s.leave("bay-4", "the driver of booking kept")),
    Scene(28.0, lambda s: s.leave("bay-2", "the walk-in that stayed too long")),
    Scene(29.0, lambda s: s.leave("bay-5", "a walk-in")),
    Scene(30.0, lambda s: s.leave("bay-8", "a walk-in")),
    Scene(31.0, lambda s: s.leave("bay-6", "a walk-in")),
    Scene(33.0, lambda s: s.console.say("demo", "the story is told")),
)

ORDINARY: Final[Sequence[Scene]] = (
    Scene(1.0, lambda s: s.arrive("bay-3", 3.0, "a walk-in")),
    Scene(2.0, lambda s: s.arrive("bay-7", 3.0, "a walk-in")),
    Scene(9.0, lambda s: s.leave("bay-3", "a walk-in")),
    Scene(10.0, lambda s: s.leave("bay-7", "a walk-in")),
    Scene(12.0, lambda s: None),
)
