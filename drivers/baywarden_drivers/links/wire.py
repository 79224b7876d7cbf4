"""The rim to pymodbus: one connection, one exchange at a time; its errors are translated only here."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from pymodbus.client.base import ModbusBaseClient

from baywarden_drivers.errors import Garbled, LinkDown, NoAnswer
from baywarden_drivers.links.framing import Framing
from baywarden_drivers.links.match import Misframed, content
from baywarden_drivers.links.request import Request
from baywarden_drivers.mono import mono_s
from baywarden_drivers.polls.costs import ON_NETWORK, Costs
from baywarden_drivers.reasons import reason_of

# Here a loss is an exception, and whoever catches it logs it once.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Tracer = Callable[[Literal["sent", "received"], bytes], None]
"""Sees every piece of data on the wire as it goes and comes, for a bus trace."""

CONNECT_TIMEOUT_S: Final = 3.0
_NEVER_S: Final = 3600.0
"""pymodbus's own time-out, which is not used."""
_LARGEST_PIECE: Final = 65_536
_LAST_LOOK_S: Final = 0.001
"""After a stop of this process its timers may be due before it has looked at what came meanwhile."""
_SETTLED_S: Final = 0.1
"""Enough bytes have come, none of them an answer, and then nothing for this long: nothing will come."""


class HungUp(NoAnswer):
    """The other side closed the connection before it answered."""


class Damaged(Garbled):
    """As many bytes came as the answer has, but not it."""


@dataclass(slots=True, eq=False)
class _Ask:
    request: Request
    timeout_s: float
    answer: asyncio.Future[bytes]
    due_at: float
    """When its time is over, by the clock of the loop."""
    has_heard: bool = False
    settling: asyncio.TimerHandle | None = None

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Wire(ABC):
    """A connection that can be opened, used for one exchange after another, and closed. Moments are `mono_s`."""

    is_network = True
    """Whether the other side can vanish without this side being told."""
    char_s: float = 0.0
    """Time of one character on the wire; 0 where there is no such thing."""
    silence_s: float = 0.0
    """How long nothing may be on the wire before a request."""
    costs: Costs = ON_NETWORK
    """What reads cost."""

    def __init__(self, name: str, framing: Framing) -> None:
        self.name = name
        self.framing = framing
        self.tracer: Tracer | None = None
        self.sent_at = self.received_at = self.lost_at = 0.0
        """When the last byte had left, the last one came, and the other side hung up."""
        self.bytes_sent = self.bytes_received = 0
        self.strays: dict[int, float] = {}
        """When bytes came from a unit that nobody had asked, or not this soon; RTU only."""
        self._client: ModbusBaseClient | None = None
        self._ask: _Ask | None = None
        self._aside: _Ask | None = None
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def _make_client(self, **hooks: Any) -> ModbusBaseClient:
        """A client that has never been connected."""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as this side knows."""
        return self._client is not None and self._client.connected

    @property
    def is_asked(self) -> bool:
        """Whether an exchange is under way, other than one aside."""
        return self._ask is not None

    @property
    def is_stale(self) -> bool:
        """Whether the name now leads elsewhere than to what is open."""
        return False

    async def open(self) -> None:
        """Connect. Raises LinkDown with the reason."""
        self.close()
        self.framing.reset()
        client = self._make_client(
            retries=0,
            reconnect_delay=0,
            timeout=_NEVER_S,
            trace_packet=self._on_packet,
            trace_connect=self._on_connection,
        )
        manager = client.ctx
        manager.max_buffer_size = (
            _LARGEST_PIECE  # it throws larger pieces away; the framing has its own bounds
        )
        try:
            # Not client.connect(): that swallows the reason.
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                manager.transport, _ = await manager.call_create()
                await asyncio.sleep(0)
                await asyncio.sleep(0)  # pymodbus's serial transport is set up by two callbacks
            self._claim(client)
        except TimeoutError as error:
            raise LinkDown(f"no connection to {self.name} within {CONNECT_TIMEOUT_S:g} s") from error
        except (OSError, ValueError) as error:
            client.close()
            raise LinkDown(f"no connection to {self.name}: {self._explained(error)}") from error
        manager.recv_buffer = b""
        self._client = client

    def _claim(self, client: ModbusBaseClient) -> None:  # noqa: B027 (only a serial port needs it)
        """Keep others away. Raises OSError."""

    def _explained(self, error: Exception) -> str:
        return reason_of(error)

    def close(self) -> None:
        """Close the connection at once; a request in flight ends with NoAnswer."""
        client, self._client = self._client, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if client is not None:
            self._lose_all("the connection was closed")
            client.close()

    async def exchange(self, request: Request, timeout_s: float) -> tuple[int, ...]:
        """Send and wait for the answer: the registers (or bits) read, nothing for a write.

        Raises LinkDown when nothing was sent, and NoAnswer, Refused or Garbled.
        """
        client = self._client
        if client is None or not client.connected:
            raise LinkDown(f"no connection to {self.name}")
        loop = asyncio.get_running_loop()
        self._ask = ask = _Ask(request, timeout_s, loop.create_future(), loop.time() + timeout_s)
        frame = self.framing.begin(request)
        self._mind_time(ask, loop)
        try:
            self._put(client, frame)
            pdu = await ask.answer
        finally:
            self._ask = None
            self.framing.end()
        return content(request, pdu)

    async def exchange_aside(self, request: Request, timeout_s: float) -> tuple[int, ...]:
        """The same beside the exchanges of others; one at a time, and only where answers tell whose they are."""
        client = self._client
        if client is None or not client.connected:
            raise LinkDown(f"no connection to {self.name}")
        loop = asyncio.get_running_loop()
        self._aside = ask = _Ask(request, timeout_s, loop.create_future(), loop.time() + timeout_s)
        frame = self.framing.begin_aside(request)
        timer = loop.call_at(ask.due_at, loop.call_later, _LAST_LOOK_S, self._give_up, ask)
        try:
            self._put(client, frame)
            pdu = await ask.answer
        finally:
            timer.cancel()
            self._aside = None
            self.framing.end_aside()
        return content(request, pdu)

    def _put(self, client: ModbusBaseClient, frame: bytes) -> None:
        if self.tracer is not None:
            self.tracer("sent", frame)
        self.bytes_sent += len(frame)
        self._send(client, frame)
        self.sent_at = mono_s() + len(frame) * self.char_s

    def _send(self, client: ModbusBaseClient, frame: bytes) -> None:
        transport: Any = client.ctx.transport
        transport.write(frame)

    def drain(self) -> bool:
        """Take what has come and not been looked at; whether there was any. Raises LinkDown."""
        return False

    def _on_packet(self, sending: bool, data: bytes) -> bytes:
        """Called by pymodbus with all that has come since it was last emptied, which is done here."""
        if self._client is not None:
            self._client.ctx.recv_buffer = b""
            self._on_data(data)
        return b""

    def _on_data(self, data: bytes) -> None:
        if self.tracer is not None:
            self.tracer("received", data)
        self.received_at = mono_s()
        self.bytes_received += len(data)
        ask = self._ask
        if ask is None:
            self._note_stray(data[0])
            if not self.framing.idle(data):
                self.close()
        else:
            if data[0] != ask.request.unit and not ask.has_heard:
                self._note_stray(data[0])
            self._look(ask, data)
            ask.has_heard = ask.has_heard or self.framing.has_heard
        if self._aside is not None and self.framing.aside_answer is not None:
            self._settle(self._aside, self.framing.aside_answer)

    def _note_stray(self, unit: int) -> None:
        if self.framing.is_rtu:
            self.strays[unit] = self.received_at

    def _look(self, ask: _Ask, data: bytes) -> None:
        found = self.framing.take(data)
        if found is not None:
            self._settle(ask, found)
        elif self.framing.is_long_enough:
            self._await_settling(ask)

    def _settle(self, ask: _Ask, found: bytes | Misframed) -> None:
        if not isinstance(found, bytes):
            ask.fail(Garbled(f"{ask.request}: what came back is no stream of answers"))
        elif not ask.answer.done():
            ask.answer.set_result(found)

    def _await_settling(self, ask: _Ask) -> None:
        if ask.settling is not None:
            ask.settling.cancel()
        loop = asyncio.get_running_loop()
        ask.settling = loop.call_later(_SETTLED_S + self.silence_s, self._on_settled, ask)

    def _on_settled(self, ask: _Ask) -> None:
        ask.settling = asyncio.get_running_loop().call_later(_LAST_LOOK_S, self._give_up, ask)

    def _mind_time(self, ask: _Ask, loop: asyncio.AbstractEventLoop) -> None:
        """One timer serves many requests: one that goes off too early for this one is set anew then."""
        if self._timer is not None:
            if self._timer.when() <= ask.due_at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(ask.due_at, self._on_time)

    def _on_time(self) -> None:
        self._timer, ask, loop = None, self._ask, asyncio.get_running_loop()
        if ask is None:
            return
        if loop.time() < ask.due_at:
            self._mind_time(ask, loop)
        else:
            loop.call_later(_LAST_LOOK_S, self._give_up, ask)

    def _give_up(self, ask: _Ask) -> None:
        if ask.answer.done():
            return
        if self.framing.is_long_enough:
            ask.fail(Damaged(f"{ask.request}: the answer was damaged, or not one to this"))
        elif ask.has_heard:
            ask.fail(Garbled(f"{ask.request}: bytes came within {ask.timeout_s:.3g} s, but no answer to it"))
        else:
            ask.fail(NoAnswer(f"{ask.request}: no answer within {ask.timeout_s:.3g} s"))

    def _on_connection(self, is_made: bool) -> None:
        if not is_made:
            self.lost_at = mono_s()
            self._lose_all(f"{self.name} closed the connection")

    def _lose_all(self, why: str) -> None:
        for ask in (self._ask, self._aside):
            if ask is not None:
                ask.fail(HungUp(f"{ask.request}: {why}"))
