"""What can go wrong between the site and its cloud.

SyncError
  LinkLost         no connection, or the one there was is gone: connect again later
    FilesUnusable  a file of [cloud] cannot be read, so nothing was sent: a person must put it there
  CommandRefused   a request that cannot be understood or comes too late: answer it, never act on it
"""

from baywarden.model.command import Reason, Reply, Result


class SyncError(Exception):
    """The root of this package's errors."""


class LinkLost(SyncError):
    """The connection could not be made, or it ended. `code` is the broker's MQTT 5 reason code, if any."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code

    @property
    def is_taken_over(self) -> bool:
        """Whether another client came with our id (0x8E)."""
        return self.code == 0x8E


class FilesUnusable(LinkLost):
    """The password or a certificate cannot be read now."""


class CommandRefused(SyncError):
    """`id` is None when not even that could be read; `detail` names the field and what would be right."""

    def __init__(self, command_id: str | None, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.id = command_id
        self.reason = reason
        self.detail = detail

    def reply(self) -> Reply | None:
        """The answer to send, if there is somebody to name in it."""
        return None if self.id is None else Reply(self.id, Result.REJECTED, self.reason, self.detail)
