"""The topics of one site (DOMAIN 5.2). Never more than seven slashes: some cloud brokers cap there."""

from dataclasses import dataclass
from typing import Final

from baywarden.model.event import Stream

MAJOR: Final = 1
_LONGEST_RESPONSE_TOPIC: Final = 200


@dataclass(frozen=True, slots=True)
class Topics:
    """Everything below `evs/1/{site}/`."""

    site_id: str

    @property
    def root(self) -> str:
        """With its trailing slash."""
        return f"evs/{MAJOR}/{self.site_id}/"

    @property
    def state(self) -> str:
        """The retained birth document and the will."""
        return self.root + "state"

    @property
    def commands(self) -> str:
        """The filter to subscribe."""
        return self.root + "cmd/#"

    @property
    def acks(self) -> str:
        """The filter of the cloud's own acknowledgements."""
        return self.root + "ack/#"

    def acked_stream(self, topic: str) -> Stream | None:
        """The stream of `evs/1/{site}/ack/{stream}`; None for any other topic."""
        prefix = self.root + "ack/"
        name = topic.removeprefix(prefix) if topic.startswith(prefix) else None
        return next((stream for stream in Stream if stream.value == name), None)

    def status(self, evse_id: str) -> str:
        """The retained status of one outlet."""
        return f"{self.root}evse/{evse_id}/status"

    def events(self, stream: Stream) -> str:
        """The durable events of one stream."""
        return f"{self.root}evt/{stream.value}"

    def replay(self, stream: Stream) -> str:
        """Events that were asked for again."""
        return f"{self.root}replay/{stream.value}"

    def live(self, evse_id: str) -> str:
        """Live values, lossy."""
        return f"{self.root}tele/{evse_id}"

    def command_name(self, topic: str) -> str | None:
        """The `booking.put` of `evs/1/{site}/cmd/booking.put`; None for any other topic."""
        prefix = self.root + "cmd/"
        return topic.removeprefix(prefix) if topic.startswith(prefix) else None

    def response(self, wanted: str | None) -> str:
        """Where an answer goes: the Response Topic if it lies under our `rsp/`, else `rsp/default`."""
        prefix = self.root + "rsp/"
        if wanted is None or not wanted.startswith(prefix) or len(wanted) > _LONGEST_RESPONSE_TOPIC:
            return prefix + "default"
        client = wanted.removeprefix(prefix)
        is_plain = client.isascii() and client.isprintable() and not set("+#") & set(client)
        return wanted if client and is_plain and client.count("/") < 3 else prefix + "default"
