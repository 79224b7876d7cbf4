"""The texts of bundled profiles, for tests that change a word in them."""

from baywarden_drivers.profile.loader import BUNDLED


def text_of(name: str) -> str:
    """The file of a bundled profile."""
    return (BUNDLED / f"{name}.toml").read_text()
