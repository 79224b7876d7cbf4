"""One outlet with the hand on it, in cycles of a second."""

from baywarden.services.hand import Hand
from support.clock import FakeClock, settle
from support.fake_wire import FakeOutlet


class Bench:
    """One outlet of 16 A and the hand on it, in cycles of one second."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.outlet = FakeOutlet("b1", clock)
        self.hand = Hand(self.outlet, clock)
        self.written_s: list[int] = []
        """The seconds in which something was written, from the beginning of `keep_wanting` on."""

    async def want(self, limit_ma: int) -> None:
        """A cycle: read, look, want."""
        self.hand.look(await self.outlet.poll())
        self.hand.want(limit_ma)
        await settle()

    async def keep_wanting(self, limit_ma: int, seconds: int) -> None:
        """The same in each of so many cycles."""
        self.written_s = []
        for second in range(1, seconds + 1):
            before = self.writes
            await self.clock.advance(1)
            await self.want(limit_ma)
            self.written_s += [second] * (self.writes - before)

    @property
    def writes(self) -> int:
        """How often a limit was sent."""
        return sum(one.startswith("limit") for one in self.outlet.done)

    def forget(self) -> None:
        """Look only at what is done from now on."""
        self.outlet.done.clear()
        self.outlet.limits_ma.clear()
