"""What the site's configuration says of its cloud."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """Where the broker is and how hard it may be used. `password` is the content of the secret file."""

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
    password: str | None = field(default=None, repr=False)

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

    def tls_context(self) -> ssl.SSLContext | None:
        """TLS 1.2 or newer, server name checked; the files are read anew each time. Raises OSError."""
        if not self.tls:
            return None
        for path in filter(None, (self.ca_file, self.cert_file, self.key_file)):
            path.open("rb").close()  # this error names the file, the TLS library's does not
        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context
