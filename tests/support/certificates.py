"""Throw-away certificates: an authority, the broker's and the site's own by it, and those of a stranger."""

import ssl
from pathlib import Path
from typing import Any

import trustme


class Papers:
    """PEM files in `folder`: ca, broker, site-1 and, by another authority, other and forged (also site-1)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ours, theirs = trustme.CA(), trustme.CA()
        for name, authority in (("ca", ours), ("other", theirs)):
            authority.cert_pem.write_to_path(self.path(name))
        for name, cert in (
            ("broker", ours.issue_cert("127.0.0.1", common_name="broker")),
            ("site-1", ours.issue_cert("site-1", common_name="site-1")),
            ("forged", theirs.issue_cert("site-1", common_name="site-1")),
        ):
            cert.cert_chain_pems[0].write_to_path(self.path(name))
            cert.private_key_pem.write_to_path(self.key(name))

    def path(self, name: str) -> Path:
        """A certificate."""
        return self._folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        """Its private key."""
        return self._folder / f"{name}.key"

    def of(self, name: str) -> dict[str, Any]:
        """The cloud options of a site that shows this certificate and trusts our authority."""
        return {
            "tls": True,
            "ca_file": self.path("ca"),
            "cert_file": self.path(name),
            "key_file": self.key(name),
        }

    def broker_context(self) -> ssl.SSLContext:
        """A broker's side of TLS: it shows its own certificate and wants one of our authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.path("ca")))
        context.load_cert_chain(self.path("broker"), self.key("broker"))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def site_context(self, name: str) -> ssl.SSLContext:
        """The other side, for a client that is not ours."""
        context = ssl.create_default_context(cafile=str(self.path("ca")))
        context.load_cert_chain(self.path(name), self.key(name))
        return context
