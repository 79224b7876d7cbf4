"""The command `baywarden`: `run` is the daemon, everything else is the technician's tool."""

import gc
import sys
from collections.abc import Sequence
from typing import Final

from baywarden import __version__

DEFAULT_CONFIG: Final = "/etc/baywarden/site.toml"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit code. Each half is loaded only when it is asked for."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:
        sys.stdout.write(f"baywarden {__version__}\n")
        return 0
    if words[:1] == ["run"]:
        return _run(words[1:])
    from baywarden_config.cli import main as tool  # noqa: PLC0415 (the daemon never loads the tool)

    return tool(words)


def _run(words: Sequence[str]) -> int:
    config, verbose, clock = _options(words)
    # What is imported stays; looking through it for garbage again and again is a tenth of the start.
    gc.disable()
    try:
        from baywarden.daemon import run_command  # noqa: PLC0415 (the tool never loads the daemon)

        return run_command(config, verbose=verbose, clock=clock)
    finally:
        gc.enable()


def _options(words: Sequence[str]) -> tuple[str, bool, str | None]:
    """The file, whether to log every detail, and how to make the clock."""
    if len(words) == 2 and words[0] == "--config" and not words[1].startswith("-"):
        return words[1], False, None  # as the unit says it: the parser would stay in memory for nothing
    from argparse import SUPPRESS, ArgumentParser  # noqa: PLC0415 (`--version` needs none)

    parser = ArgumentParser("baywarden run", description="Run the daemon.")
    parser.add_argument(
        "--config", default=DEFAULT_CONFIG, metavar="FILE", help="site.toml (default: %(default)s)"
    )
    parser.add_argument("--verbose", action="store_true", help="log every detail")
    parser.add_argument("--clock", metavar="SPEC", help=SUPPRESS)
    args = parser.parse_args(words)
    return args.config, args.verbose, args.clock


if __name__ == "__main__":
    sys.exit(main())
