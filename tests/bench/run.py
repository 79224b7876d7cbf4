"""`make bench`: every benchmark of this folder, or those named: `make bench ARGS="daemon_cost"`."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NO_BENCHMARK = {"run", "lean", "paced_line", "plain_field", "busy_site"}


def main(wanted: list[str]) -> int:
    """Run them one after the other; each prints its figures."""
    known = sorted({file.stem for file in HERE.glob("*.py")} - NO_BENCHMARK)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}\n")
        return 2
    sys.argv[1:] = []
    for name in wanted or known:
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        runpy.run_path(str(HERE / f"{name}.py"), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
