"""One connection of a simulated wire: requests in, answers out, and what goes wrong on the way back."""

import asyncio
from typing import Any, Protocol, cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException, NoSuchIdException
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server.requesthandler import ServerRequestHandler

from baywarden_drivers.simulator.bus import HangsUp, Visit
from baywarden_drivers.simulator.faults import FaultKind
from baywarden_drivers.simulator.noise import flipped

QUIET_S = 0.05
"""On a serial line the rest of a broken request is forgotten after so much silence."""
LONGEST_REQUEST_BYTES = 300


class Answering(Protocol):
    """What hangs on a wire."""

    def visit(self) -> Visit:
        """What one request sees."""
        ...

    def knows(self, unit: int) -> bool:
        """Whether anybody answers at that unit."""
        ...


class Connection(ServerRequestHandler):
    """Unlike pymodbus's own it takes several requests at once, and it may answer late, twice or in part."""

    def __init__(self, owner: Any, answering: Answering, *, has_silences: bool) -> None:
        super().__init__(owner, None, None, None)  # type: ignore[no-untyped-call]  # pymodbus leaves it bare
        self._answering = answering
        self._has_silences = has_silences
        self._answers: set[asyncio.Task[None]] = set()
        self._rest = b""
        self._heard_s = 0.0
        self._held: list[tuple[bytes, float]] = []

    def data_received(self, data: bytes) -> None:
        """Take every whole request that has come."""
        now_s = self.loop.time()
        if self._has_silences and now_s - self._heard_s > QUIET_S:
            self._rest = b""
        self._heard_s = now_s
        self._rest += data
        while self._rest:
            try:
                used, request = self.framer.handleFrame(self._rest, 0, 0)
            except ModbusIOException as error:
                self._rest = b""
                self._refuse(error)
                return
            self._rest = self._rest[used:]
            if request is None:
                break
            self._take(request)
        if len(self._rest) > LONGEST_REQUEST_BYTES:
            self._rest = b""

    def callback_disconnected(self, exc: Exception | None) -> None:
        """Nobody waits for the answers any more."""
        super().callback_disconnected(exc)
        for task in self._answers:
            task.cancel()
        self._held.clear()

    def _take(self, request: ModbusPDU) -> None:
        if self._held:
            self._send_late()
        task = self.loop.create_task(self._answer(request))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    def _send_late(self) -> None:
        """Send the answers that were kept back until their asker had asked for something else."""
        held, self._held = self._held, []
        for frame, late_ms in held:
            if late_ms > 0:
                self.loop.call_later(late_ms / 1000, self._write, frame)
            else:
                self._write(frame)

    async def _answer(self, request: ModbusPDU) -> None:
        visit = self._answering.visit()
        try:
            response = await request.datastore_update(cast(Any, visit), request.dev_id)
        except NoSuchIdException:
            return
        except HangsUp:
            self._hang_up()
            return
        response.transaction_id, response.dev_id = request.transaction_id, request.dev_id
        frame = self.framer.buildFrame(response)
        if visit.struck:
            await self._send_damaged(frame, visit)
        else:
            self._write(frame)

    async def _send_damaged(self, frame: bytes, visit: Visit) -> None:
        struck = visit.struck
        if FaultKind.BITS in struck and visit.luck is not None:
            frame = flipped(frame, struck[FaultKind.BITS], visit.luck)
        if FaultKind.CUT in struck:
            frame = frame[: len(frame) // 2]
        if FaultKind.LATE in struck:
            self._held.append((frame, struck[FaultKind.LATE]))
            return
        for _ in range(2 if FaultKind.DUPLICATE in struck else 1):
            if FaultKind.SLOW in struck:
                await self._dribble(frame, struck[FaultKind.SLOW] / 1000)
            else:
                self._write(frame)

    async def _dribble(self, frame: bytes, pause_s: float) -> None:
        for byte in frame:
            self._write(bytes([byte]))
            await asyncio.sleep(pause_s)

    def _refuse(self, error: ModbusIOException) -> None:
        """Answer what cannot be understood at all, where somebody is there to do so."""
        if not self._answering.knows(error.dev_id):
            return
        response = ExceptionResponse(
            0 if error.fcode is None else error.fcode,
            exception_code=ExcCodes.ILLEGAL_FUNCTION,
            device_id=error.dev_id,
            transaction=error.transaction_id,
        )
        self._write(self.framer.buildFrame(response))

    def _write(self, frame: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            cast(asyncio.WriteTransport, self.transport).write(frame)

    def _hang_up(self) -> None:
        """A serial line cannot be hung up: there it is silence."""
        if not self._has_silences and self.transport is not None:
            self.transport.close()
