"""Wires of the network: Modbus TCP, and RTU frames in a TCP stream."""

from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient

from baywarden_drivers.links.framing import Framing, RtuFraming, TcpFraming
from baywarden_drivers.links.wire import Wire
from baywarden_drivers.polls.costs import Costs

_USUAL_CHAR_S: Final = 10 / 9600
_USUAL_SILENCE_S: Final = 3.5 * _USUAL_CHAR_S


class TcpWire(Wire):
    """Modbus TCP."""

    def __init__(self, host: str, port: int, framing: Framing | None = None) -> None:
        super().__init__(f"{host}:{port}", framing or TcpFraming())
        self._host, self._port = host, port

    def _make_client(self, **hooks: Any) -> ModbusBaseClient:
        return AsyncModbusTcpClient(self._host, port=self._port, **hooks)


class RtuOverTcpWire(TcpWire):
    """RTU frames in a TCP stream, as plain serial gateways speak it; they keep the silences themselves."""

    costs = Costs.on_serial(_USUAL_CHAR_S, _USUAL_SILENCE_S)
    """The line behind the gateway is not known; 9600 baud is what most are set to."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, RtuFraming())
