"""One MQTT 5 connection from CONNECT to its end.

A new one is made for each try, so nothing old is sent again behind our back: the outbox is the only queue.

paho runs its loop in its own thread; everything it has to say is handed to the event loop and happens there.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from baywarden.sync.carrier import REFUSED, TOO_LARGE, Incoming, Parcel
from baywarden.sync.errors import FilesUnusable, LinkLost
from baywarden.sync.options import CloudOptions
from baywarden.sync.topics import Topics

MAX_PACKET_BYTES: Final = 128 * 1024
_MOST_UNWRITTEN: Final = 256
_new_properties: Final[Callable[[int], Properties]] = Properties
_PACKET_OVERHEAD_BYTES: Final = 512


def _properties_of(parcel: Parcel) -> Properties:
    if parcel.correlation is None:
        return _usual_properties(parcel.content_type, parcel.expiry_s)
    wanted = _publish_properties(parcel.content_type, parcel.expiry_s)
    wanted.CorrelationData = parcel.correlation
    return wanted


def _publish_properties(content_type: str, expiry_s: int | None) -> Properties:
    wanted = _new_properties(PacketTypes.PUBLISH)
    wanted.ContentType = content_type
    if expiry_s is not None:
        wanted.MessageExpiryInterval = expiry_s
    return wanted


_usual_properties: Final = cache(_publish_properties)
"""paho fills some tables for each new object, which costs more than the rest of a publish."""


class Link:
    """`open` it, use it until `lost` is done, `close` it. All methods belong to the event loop's thread."""

    def __init__(
        self, options: CloudOptions, topics: Topics, will: bytes, on_message: Callable[[Incoming], None]
    ) -> None:
        self._options = options
        self._topics = topics
        self._will = will
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._client: Client | None = None
        self._greeted: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[LinkLost] = self._loop.create_future()
        """Done when the connection has ended, however it ended."""
        self._acks: dict[int, asyncio.Future[int]] = {}
        self._unwritten = 0
        self._window = asyncio.Semaphore(options.window)
        self._max_packet_bytes = 0
        self._last_words = ""
        self._is_given_up = False
        """Set for good by `close`: a connect whose name server was slow goes on in its thread, and must not speak."""
        self.session_present = False

    async def open(self) -> None:
        """Connect and wait for the broker's welcome. Raises LinkLost; after that only `close` may follow."""
        options = self._options
        try:
            client = self._client = self._new_client()
            connect = partial(
                client.connect, options.host, options.port, options.keepalive_s, clean_start=False
            )
            async with asyncio.timeout(options.connect_timeout_s):
                await _in_thread(partial(connect, properties=self._connect_properties()))
                client.loop_start()
                await asyncio.wait((self._greeted, self.lost), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise LinkLost(f"no welcome within {options.connect_timeout_s:g} s") from error
        except (OSError, ValueError) as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        if self.lost.done():
            raise self.lost.result()

    async def publish(self, parcel: Parcel) -> int:
        """Send with QoS 1; the PUBACK's reason code. Raises LinkLost, also when none comes in time."""
        if self._max_packet_bytes and len(parcel.payload) + _PACKET_OVERHEAD_BYTES > self._max_packet_bytes:
            return TOO_LARGE
        async with self._window:
            info = self._alive().publish(
                parcel.topic, parcel.payload, 1, parcel.retain, properties=_properties_of(parcel)
            )
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise self._gone()
            return await self._acknowledged(info.mid, "PUBACK")

    def publish_lossy(self, parcel: Parcel) -> bool:
        """Send with QoS 0, or drop it (False) when the wire is not keeping up."""
        if self.lost.done() or self._client is None or self._unwritten >= _MOST_UNWRITTEN:
            return False
        info = self._client.publish(parcel.topic, parcel.payload, 0, properties=_properties_of(parcel))
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._unwritten += 1
        return True

    async def subscribe(self, topic_filter: str) -> int:
        """Subscribe with QoS 1, retained messages marked; the SUBACK's reason code. Raises LinkLost."""
        wanted = SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True)
        code, mid = self._alive().subscribe(topic_filter, options=wanted)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise self._gone()
        return await self._acknowledged(mid, "SUBACK")

    def acknowledge(self, message: Incoming) -> None:
        """Tell the broker that the message need not come again."""
        if message.qos and self._client is not None and not self.lost.done():
            self._client.ack(message.mid, message.qos)

    async def close(self) -> None:
        """End the connection: politely if it still works, and in any case within about two seconds."""
        self._is_given_up = True
        client, self._client = self._client, None
        if client is None:
            return
        if not self.lost.done():
            client.disconnect()
            await asyncio.wait((self.lost,), timeout=1.0)
        await _in_thread(partial(_bury, client))
        self._end(LinkLost("closed by us"))

    def _new_client(self) -> Client:
        options = self._options
        try:
            password, context = options.read_password(), options.tls_context()
        except (OSError, ValueError) as error:
            raise FilesUnusable(f"a file of [cloud] cannot be used: {_without_number(error)}") from error
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.site_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = options.connect_timeout_s
        client.max_inflight_messages_set(options.window + 1)
        if options.username is not None:
            client.username_pw_set(options.username, password)
        if context is not None:
            client.tls_set_context(context)
        client.will_set(self._topics.state, self._will, 1, retain=True, properties=self._will_properties())
        client.enable_logger(self._complaints())
        client.on_pre_connect = self._about_to_connect
        client.on_socket_open = self._is_connected
        client.on_connect = self._heard_connack
        client.on_disconnect = self._heard_end
        client.on_publish = self._heard_puback
        client.on_subscribe = self._heard_suback
        client.on_message = self._heard_message
        return client

    def _complaints(self) -> logging.Logger:
        """paho tells why a connection broke (a TLS alert, say) only to its log."""
        ears = logging.Logger("mqtt", logging.ERROR)
        ears.addHandler(_Listener(self._overhear))
        return ears

    def _overhear(self, words: str) -> None:
        self._last_words = words

    def _connect_properties(self) -> Properties:
        wanted = _new_properties(PacketTypes.CONNECT)
        wanted.SessionExpiryInterval = self._options.session_expiry_s
        wanted.ReceiveMaximum = self._options.receive_max
        wanted.MaximumPacketSize = MAX_PACKET_BYTES
        return wanted

    def _will_properties(self) -> Properties:
        wanted = _new_properties(PacketTypes.WILLMESSAGE)
        wanted.WillDelayInterval = self._options.will_delay_s
        wanted.ContentType = "application/json"
        return wanted

    def _alive(self) -> Client:
        if self.lost.done() or self._client is None:
            raise self._gone()
        return self._client

    def _gone(self) -> LinkLost:
        return self.lost.result() if self.lost.done() else LinkLost("not connected")

    async def _acknowledged(self, mid: int, what: str) -> int:
        """The reason code for `mid`. paho's news come by call_soon, so none came before this line."""
        waiter: asyncio.Future[int] = self._loop.create_future()
        self._acks[mid] = waiter
        try:
            async with asyncio.timeout(self._options.ack_timeout_s):
                return await waiter
        except TimeoutError as error:
            raise LinkLost(f"no {what} within {self._options.ack_timeout_s:g} s") from error
        finally:
            self._acks.pop(mid, None)

    # What paho's thread says.

    def _tell(self, told: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the event loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(told, *arguments)

    def _about_to_connect(self, client: Client, userdata: Any) -> None:
        if self._is_given_up:
            raise ConnectionAbortedError("given up before it began")

    def _is_connected(self, client: Client, userdata: Any, wire: object) -> None:
        """The last moment before CONNECT, which would take our own session from a newer connection."""
        if not isinstance(wire, socket.socket):
            return
        if self._is_given_up:
            wire.close()
            raise ConnectionAbortedError("given up before it was made")
        # Without this a second small packet waits for the answer to the first: 40 ms each.
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _heard_connack(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._tell(self._end, LinkLost(f"the broker refused us: {code}", code.value))
        else:
            receive_max = getattr(properties, "ReceiveMaximum", 65_535)
            max_packet = getattr(properties, "MaximumPacketSize", 0)
            self._tell(self._greet, flags.session_present, receive_max, max_packet)

    def _heard_end(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        said_by_broker = flags.is_disconnect_packet_from_server
        broke = f"the connection broke: {self._last_words}" if self._last_words else "the connection broke"
        reason = f"the broker ended the connection: {code}" if said_by_broker else broke
        self._tell(self._end, LinkLost(reason, code.value if said_by_broker else None))

    def _heard_puback(
        self, client: Client, userdata: Any, mid: int, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._tell(self._settle, mid, code.value)

    def _heard_suback(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        self._tell(self._settle, mid, codes[0].value if codes else REFUSED)

    def _heard_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        response_topic = getattr(message.properties, "ResponseTopic", None)
        correlation = getattr(message.properties, "CorrelationData", None)
        heard = Incoming(
            topic,
            bytes(message.payload),
            message.retain,
            message.qos,
            message.mid,
            response_topic,
            correlation,
        )
        self._tell(self._on_message, heard)

    # The same, on the event loop.

    def _greet(self, session_present: bool, receive_max: int, max_packet: int) -> None:
        self.session_present = session_present
        self._max_packet_bytes = max_packet
        if receive_max < self._options.window:
            self._window = asyncio.Semaphore(max(1, receive_max))
        if not self._greeted.done():
            self._greeted.set_result(None)

    def _settle(self, mid: int, code: int) -> None:
        waiter = self._acks.get(mid)
        if waiter is None:
            self._unwritten = max(0, self._unwritten - 1)
        elif not waiter.done():
            waiter.set_result(code)

    def _end(self, lost: LinkLost) -> None:
        if self.lost.done():
            return
        self.lost.set_result(lost)
        for waiter in self._acks.values():
            if not waiter.done():
                waiter.set_exception(lost)


def _without_number(error: OSError | ValueError) -> str:
    """`/etc/x: No such file or directory` for what Python calls `[Errno 2] No such file or directory: '/etc/x'`."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


class _Listener(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())


async def _in_thread(call: Callable[[], object]) -> None:
    """Run it in a thread of its own that does not hold up a stop (a name server may take minutes)."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def work() -> None:
        error: BaseException | None = None
        try:
            call()
        except Exception as failure:  # noqa: BLE001 (raised again where it is awaited)
            error = failure
        with suppress(RuntimeError):  # the event loop is closed: nobody waits any more
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=work, name="mqtt-connect", daemon=True).start()
    await done


def _bury(client: Client) -> None:
    """Make paho's thread end, also when the peer has fallen silent, and wait for it.

    The hooks before CONNECT stay: a connect that is still under way ends at one of them.
    """
    wire = client.socket()
    if isinstance(wire, socket.socket):
        with suppress(OSError):  # it is closed already
            wire.shutdown(socket.SHUT_RDWR)
    with suppress(AttributeError):  # paho 2.2: its thread may end between its look and its join
        client.loop_stop()
    client.on_connect = client.on_disconnect = client.on_publish = None
    client.on_subscribe = client.on_message = None
