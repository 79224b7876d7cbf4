"""What the site's configuration says of its cloud."""

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """Where the broker is and how hard it may be used. Files are read anew for each connection."""

    site_id: str
    """Also the client id, and the common name of the client certificate."""
    host: str
    port: int = 8883
    tls: bool = True
    ca_file: Path | None = None
    """None trusts the system's certificate authorities."""
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None

    keepalive_s: int = 60
    session_expiry_s: int = 7 * 86_400
    """How long the broker keeps commands for a site that is away."""
    will_delay_s: int = 30
    connect_timeout_s: float = 10.0
    ack_timeout_s: float = 20.0
    """No PUBACK for so long means a dead connection."""
    command_timeout_s: float = 60.0

    backoff_first_s: float = 30.0
    """A lost connection is tried again within this time, at random: a whole fleet may have lost it."""
    backoff_min_s: float = 1.0
    backoff_max_s: float = 300.0
    takeover_pause_s: float = 900.0
    """How long to leave the field to another client that has our id."""

    window: int = 20
    """Unacknowledged messages of ours at any time; a broker that allows fewer is obeyed."""
    receive_max: int = 16
    """Unanswered commands that the broker may send at any time."""
    page_rows: int = 100
    drain_per_s: float = 250.0
    """Events a second to all streams together; 0 is as fast as the broker acknowledges."""
    replay_per_s: float = 50.0
    tele_expiry_s: int = 30
    state_every_s: float = 300.0
    """The birth document is told again this often: it carries the last number of each stream."""

    def read_password(self) -> str | None:
        """All of the file but its line end. Raises OSError, and ValueError when it is no UTF-8 text."""
        if self.password_file is None:
            return None
        return self.password_file.read_text("utf-8").rstrip("\r\n")

    def tls_context(self) -> ssl.SSLContext | None:
        """TLS 1.2 or newer, server name checked; the files are read anew each time. Raises OSError."""
        if not self.tls:
            return None
        for path in filter(None, (self.ca_file, self.cert_file, self.key_file)):
            path.open("rb").close()  # this error names the file, the TLS library's does not
        try:
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except ssl.SSLError as error:
            raise OSError(f"{self.ca_file} holds no certificates: {error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except ssl.SSLError as error:
                raise OSError(f"{self.cert_file} and {self.key_file} do not fit: {error}") from error
        return context
