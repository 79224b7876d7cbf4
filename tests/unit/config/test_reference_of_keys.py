"""docs/configuration.md lists every key of site.toml as the models have it."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from baywarden.settings import Settings, parse_settings
from baywarden_config.reference import key_tables

PAGE: Final = Path(__file__).parents[3] / "docs" / "configuration.md"
PROFILES: Final = ["keba-p30", "heidelberg-energy-control", "abb-b23", "eastron-sdm630"]


def test_the_page_holds_the_tables_of_this_release() -> None:
    """Mend it with `baywarden config schema --markdown`."""
    _, _, tables = PAGE.read_text(encoding="utf-8").partition("## Every key\n")
    assert tables.strip() == key_tables(Settings)


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in key_tables(Settings).splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert all(row.split("|")[3].strip() not in ("", "None") for row in rows)


def test_what_the_page_shows_as_a_file_is_sound() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    whole = "\n".join(blocks)
    assert tomllib.loads(whole)
    assert parse_settings(whole, profiles=PROFILES, files=False).chargers


@pytest.mark.parametrize(
    "key", ["site", "links", "chargers", "meters", "circuits", "terms", "overstay", "cloud"]
)
def test_every_table_of_the_file_is_listed(key: str) -> None:
    assert re.search(rf"^### `\[+{key}[.\]]", key_tables(Settings), re.M)
