"""site.toml as a strict, frozen tree, or every fault of the file at once."""

from baywarden.settings.errors import ConfigError, Fault
from baywarden.settings.load import load_settings, parse_settings, warnings_of, with_lines
from baywarden.settings.tree import Settings

__all__ = ["ConfigError", "Fault", "Settings", "load_settings", "parse_settings", "warnings_of", "with_lines"]
