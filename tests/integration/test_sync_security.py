"""Who may talk to whom: passwords, certificates and access lists of a real broker."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from baywarden.model.event import Stream
from support.broker import Broker, BrokerKind, broker_kinds
from support.cloud_ear import CloudEar
from support.sync_site import Site, heard, put_booking, told, until

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(BrokerKind.MOSQUITTO not in broker_kinds(), reason="mosquitto is not installed"),
]


@contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Broker]:
    """A mosquitto that lets nobody in but by these lines of its configuration."""
    broker = Broker(folder / "broker", kind=BrokerKind.MOSQUITTO)
    conf = folder / "broker" / "mosquitto.conf"
    text = conf.read_text().replace("allow_anonymous true", "allow_anonymous false")
    conf.write_text(text + "\n".join(lines) + "\n")
    with broker:
        yield broker


def passwords(folder: Path, **users: str) -> str:
    """A password file."""
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed")
    path = folder / "passwords"
    path.touch(mode=0o600)
    for user, password in users.items():
        subprocess.run(["mosquitto_passwd", "-b", str(path), user.replace("_", "-"), password], check=True)
    return f"password_file {path}"


async def test_a_wrong_password_is_named_as_the_reason(tmp_path: Path) -> None:
    with mosquitto(tmp_path, passwords(tmp_path, site_1="right")) as broker:
        site = Site(broker.host, broker.port, username="site-1", password="wrong")
        async with site.trying():
            await until(lambda: "the broker refused us" in site.sync.state.reason)
        assert "wrong" not in repr(site.options)
        good = Site(broker.host, broker.port, username="site-1", password="right")
        async with good.running():
            assert good.sync.state.reason == "connected"


async def test_a_stream_that_the_access_list_forbids_does_not_hold_up_the_others(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text(
        "user site-1\n"
        "topic readwrite evs/1/site-1/state\n"
        "topic read evs/1/site-1/cmd/#\n"
        "topic write evs/1/site-1/evt/booking\n"
        "user cloud\n"
        "topic readwrite evs/#\n"
    )
    users = passwords(tmp_path, site_1="a", cloud="b")
    with mosquitto(tmp_path, users, f"acl_file {rules}") as broker:
        site = Site(broker.host, broker.port, username="site-1", password="a")
        site.add(Stream.PENALTY, 3)
        site.add(Stream.BOOKING, 30)
        with CloudEar(broker.host, broker.port, username="cloud", password="b") as ear:
            async with site.running():
                await heard(ear, lambda: len(ear.payloads("evt/booking")) == 30)
                await until(lambda: site.sync.state.counters.get("parked", 0) >= 1)
                await told(ear, "cmd/booking.put", put_booking())
                await until(lambda: site.sync.state.counters.get("replies_refused") == 1)
        assert not ear.payloads("evt/penalty")
        assert "penalty 1-" in str(site.sync.state.alarm)


async def test_certificates_are_checked_on_both_sides(tmp_path: Path) -> None:
    lines = certificates(tmp_path)
    with mosquitto(tmp_path, *lines) as broker:
        own = {"tls": True, "cert_file": tmp_path / "site-1.pem", "key_file": tmp_path / "site-1.key"}
        site = Site(broker.host, broker.port, ca_file=tmp_path / "ca.pem", **own)
        async with site.running():
            assert site.sync.state.connected
        foreign_ca = Site(broker.host, broker.port, ca_file=tmp_path / "other.pem", **own)
        wrong_name = Site("localhost", broker.port, ca_file=tmp_path / "ca.pem", **own)
        no_certificate = Site(broker.host, broker.port, ca_file=tmp_path / "ca.pem", tls=True)
        no_file = Site(broker.host, broker.port, ca_file=tmp_path / "missing.pem", **own)
        for stranger in (foreign_ca, wrong_name, no_certificate, no_file):
            async with stranger.trying():
                await until(lambda: stranger.sync.state.attempts >= 2)  # noqa: B023 (used at once)
                assert not stranger.sync.state.connected
        assert "certificate verify failed" in foreign_ca.sync.state.reason
        assert "Hostname mismatch" in wrong_name.sync.state.reason
        assert "missing.pem" in no_file.sync.state.reason


def certificates(folder: Path) -> tuple[str, ...]:
    """A throw-away authority, its certificates for broker and site, a stranger; the lines that use them."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    for name in ("ca", "other"):
        _openssl(
            folder, f"req -x509 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem", *_EC
        )
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name, more in (("broker", "-extfile names"), ("site-1", "")):
        _openssl(folder, f"req -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr", *_EC)
        signed = f"x509 -req -days 2 -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem"
        _openssl(folder, f"{signed} {more}")
    return (
        f"cafile {folder}/ca.pem",
        f"certfile {folder}/broker.pem",
        f"keyfile {folder}/broker.key",
        "require_certificate true",
        "use_identity_as_username true",
    )


_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def _openssl(folder: Path, line: str, *more: str) -> None:
    subprocess.run(["openssl", *line.split(), *more], cwd=folder, check=True, capture_output=True)
