"""Secrets are files: they must be there, and not everybody may read them."""

from pathlib import Path

import pytest

from baywarden.settings import ConfigError, load_settings, parse_settings, warnings_of
from support.site_toml import SOUND, changed

CLOUD = '\n[cloud]\nhost = "broker.example.com"\nusername = "x"\npassword_file = "{}"\n'


def test_a_missing_secret_is_a_fault_unless_the_file_is_for_another_machine(tmp_path: Path) -> None:
    text = SOUND + CLOUD.format(tmp_path / "secret")
    with pytest.raises(ConfigError) as caught:
        parse_settings(text)
    assert [fault.place for fault in caught.value.faults] == ["cloud.password_file"]
    assert parse_settings(text, files=False).cloud is not None


def test_a_relative_secret_lies_beside_site_toml(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "site.toml").write_text(SOUND + CLOUD.format("secret"))
    cloud = load_settings(tmp_path / "site.toml").cloud
    assert cloud is not None
    assert cloud.password_file == str(tmp_path / "secret")


@pytest.mark.parametrize(("mode", "told"), [(0o644, True), (0o640, False), (0o600, False)])
def test_a_secret_that_everybody_can_read_is_a_warning(tmp_path: Path, mode: int, told: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(mode)
    warnings = warnings_of(parse_settings(SOUND + CLOUD.format(secret)))
    assert ("cloud.password_file" in [warning.place for warning in warnings]) is told


def test_a_credential_of_the_unit_is_only_asked_for_inside_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = SOUND + CLOUD.format("/run/credentials/baywarden.service/no-such-secret")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert parse_settings(text).cloud is not None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/baywarden.service")
    with pytest.raises(ConfigError, match="no-such-secret is not there"):
        parse_settings(text)


def test_a_sound_file_has_no_warning() -> None:
    assert warnings_of(parse_settings(SOUND)) == ()


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('overstay = "none"', "", None),
        ('terms = "staff"', "", "terms.staff"),
        ("limit_a = 32", "limit_a = 64", "circuits[1].limit_a"),
        ("limit_a = 32", "limit_a = 13", "chargers[0].evses[0].max_current_a"),
        ('meter = "grid"\nbase_load_a = 12.5', "", "circuits[0]"),
        ('meter = "grid"\nbase_load_a = 12.5', "base_load_a = 0", None),
        ("[[chargers]]", '[[links]]\nid = "x"\ntype = "tcp"\nhost = "x"\n\n[[chargers]]', "links[2]"),
        ("[[chargers]]", '[cloud]\nhost = "broker.example.com"\ntls = false\n\n[[chargers]]', "cloud.tls"),
        ("[[chargers]]", '[cloud]\nhost = "localhost"\ntls = false\n\n[[chargers]]', None),
    ],
)
def test_what_is_hardly_meant_is_a_warning(old: str, new: str, place: str | None) -> None:
    places = [warning.place for warning in warnings_of(parse_settings(changed(old, new)))]
    assert places[:1] == ([place] if place else [])


def test_a_site_without_chargers_is_a_warning() -> None:
    head, _, _ = SOUND.partition("[[links]]")
    assert [warning.place for warning in warnings_of(parse_settings(head))] == ["chargers"]


def test_settings_cannot_be_changed_after_reading() -> None:
    settings = parse_settings(SOUND)
    with pytest.raises(ValueError, match="frozen"):
        settings.site.name = "other"  # type: ignore[misc]  # which is the point
