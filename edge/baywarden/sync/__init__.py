"""The cloud side: the public contract (envelope, payloads, commands) and the MQTT link that carries it.

`baywarden.sync.mqtt` is imported by name, and only where a cloud is configured: it loads the MQTT client.
"""

from baywarden.sync.commands import encode_reply, parse_command, reply_object
from baywarden.sync.drafts import draft_of
from baywarden.sync.envelope import renderer
from baywarden.sync.errors import CommandRefused, LinkLost, SyncError
from baywarden.sync.options import CloudOptions

__all__ = [
    "CloudOptions",
    "CommandRefused",
    "LinkLost",
    "SyncError",
    "draft_of",
    "encode_reply",
    "parse_command",
    "renderer",
    "reply_object",
]
