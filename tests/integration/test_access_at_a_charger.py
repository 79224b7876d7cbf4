"""Cards held to a real (simulated) charger, and the technician who lets a car charge: from register to limit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from support.broker import free_port
from support.commands import answer, baywarden, in_process
from support.fake_daemon import FakeDaemon
from support.real_daemon import Field, RealDaemon, tcp_charger

CARD: Final = "04A1B2C3D4E5F6"
FIELD: Final = """\
[[listener]]
name = "lan"
tcp = {port}
[[charger]]
name = "row"
profile = "phoenix-charx-sec"
listener = "lan"
outlets = ["bay-1", "bay-2"]
max_current_a = 16
"""
ACCESS: Final = '[access.standard]\nmode = "token"\n'

pytestmark = pytest.mark.modbus


class Site:
    """A daemon that asks for tokens, and its two simulated bays."""

    def __init__(self, daemon: RealDaemon, field: Field) -> None:
        self.daemon = daemon
        self.field = field

    def bay(self, name: str) -> dict[str, Any]:
        """One outlet of `status`."""
        return self.daemon.bays()[name]

    def wait(self, bay: str, **wanted: Any) -> None:
        """Until the outlet shows all of it."""
        self.daemon.wait(lambda: wanted.items() <= self.bay(bay).items(), f"{bay} {wanted}")

    def session(self, bay: str) -> dict[str, Any]:
        """The newest session of an outlet."""
        found = self.daemon.ask("sessions.list", {"where": {"evse_id": bay}, "limit": 1})["data"]["items"]
        session: dict[str, Any] = found[0]
        return session


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("access")
    port = free_port()
    with Field(folder, FIELD.format(port=port)) as field:
        charger = tcp_charger("row", port, "bay-1", "bay-2")
        with RealDaemon(folder, charger, ACCESS) as daemon:
            yield Site(daemon, field)


def test_a_card_held_to_the_charger_gives_the_car_its_current(site: Site) -> None:
    put = baywarden("tokens", "put", CARD, "--group", "fleet", "--socket", site.daemon.socket)
    assert (put.returncode, put.stdout.strip()) == (0, "The list has 1 tokens."), put.stderr
    site.field.ask(do="plug", outlet="bay-1", need_wh=20_000)
    site.wait("bay-1", reason="withheld", withheld="authorization_required", limit_a=0.0)
    site.field.ask(do="tag", outlet="bay-1", tag="STRANGER1")
    site.wait("bay-1", withheld="token_unknown", detail="the card is not known here")
    site.field.ask(do="tag", outlet="bay-1", tag=CARD)
    site.wait("bay-1", withheld=None, limit_a=16.0)
    session = site.session("bay-1")
    assert (session["token"], session["token_group"], session["right"]) == (CARD, "fleet", "token")
    assert CARD not in site.daemon.log
    assert CARD not in str(site.daemon.status())
    assert CARD not in str(site.daemon.ask("device.read", {"device": "bay-1"}))


def test_the_technician_lets_a_car_charge_and_lists_tokens_without_showing_them(site: Site) -> None:
    where = ("--socket", site.daemon.socket)
    assert baywarden("tokens", "put", CARD, *where).returncode == 0
    refused = baywarden("sessions", "authorize", "bay-2", "--token", "NOBODY-1", *where)
    assert refused.returncode == 1
    assert "the card is not known here" in refused.stderr
    given = answer("sessions", "authorize", "bay-2", "--token", CARD, *where)
    assert given["data"]["plug_in_until_at"].endswith("Z")
    site.field.ask(do="plug", outlet="bay-2", need_wh=20_000)
    site.wait("bay-2", withheld=None, limit_a=16.0)
    listed = baywarden("tokens", "list", *where).stdout
    assert "E5F6" in listed and CARD not in listed
    assert baywarden("tokens", "remove", CARD, *where).stdout.strip() == "The list has 0 tokens."
    assert site.bay("bay-2")["withheld"] is None, "a revoked card stops nobody"


@pytest.mark.parametrize(
    ("words", "name", "params"),
    [
        (
            ("sessions", "authorize", "bay-1", "--code", "4711"),
            "session.authorize",
            {"evse_id": "bay-1", "code": "4711"},
        ),
        (
            ("sessions", "stop", "s-1", "--reason", "DeAuthorized"),
            "session.stop",
            {"session_id": "s-1", "reason": "DeAuthorized"},
        ),
        (
            ("tokens", "put", "A1", "--blocked", "--whitelist", "NEVER"),
            "token.put",
            {"tokens": [{"uid": "A1", "valid": False, "whitelist": "NEVER"}]},
        ),
    ],
)
def test_what_is_typed_is_what_the_daemon_is_asked(
    words: tuple[str, ...], name: str, params: dict[str, Any], tmp_path: Path
) -> None:
    answered = {"data": {"session_id": "s-1", "count": 1}}
    with FakeDaemon(tmp_path / "c.sock", {name: answered}) as daemon:
        done = in_process(*words, "--socket", daemon.path)
    assert (done.returncode, daemon.asked) == (0, [(name, params)]), done.stderr
