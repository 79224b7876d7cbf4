"""`baywarden bus trace` names the points of the devices that it knows, and says what is missing."""

import subprocess
from pathlib import Path

from support.commands import in_process
from support.fake_daemon import FakeDaemon

READ_OF_VOLTAGE = "0304000000027029"


def followed(folder: Path, *words: str, **reply: object) -> subprocess.CompletedProcess[str]:
    """What is said of a trace of a second, with one piece in every reply."""
    piece = {"at_ms": 1.0, "direction": "sent", "hex": READ_OF_VOLTAGE}
    first = {"where": "/dev/ttyUSB0", "framing": "rtu", "started_at": "2026-07-01T12:00:00Z"}
    more = {"devices": [], "profile_folder": str(folder), "next": 1, "lost": 0, "pieces": [piece]}
    with FakeDaemon(folder / "c.sock", {"link.trace": {"data": {**first, **more, **reply}}}) as daemon:
        return in_process("bus", "trace", "bus", "--socket", daemon.path, "--for", "1s", *words)


def test_a_profile_that_cannot_be_read_here_takes_away_its_names_and_says_so(tmp_path: Path) -> None:
    devices = [
        {"unit": 3, "profile": "eastron-sdm630", "connector": 1},
        {"unit": 4, "profile": "my-own-box", "connector": 1},
    ]
    done = followed(tmp_path, devices=devices)
    assert done.returncode == 0
    said = [line for line in done.stderr.splitlines() if "unit 4" in line]
    assert len(said) == 1
    assert "goes without names of points: my-own-box: " in said[0]
    assert "unit 3" not in done.stderr
    assert "voltage_l1" in done.stdout


def test_pieces_that_were_lost_are_told_also_while_a_file_is_written(tmp_path: Path) -> None:
    live = followed(tmp_path, lost=3)
    (tmp_path / "c.sock").unlink()
    filed = followed(tmp_path, "--out", str(tmp_path / "bus.trace"), lost=3)
    for said in (live.stdout, filed.stderr):
        assert "(3 pieces were lost" in said
    assert "were lost" not in filed.stdout + (tmp_path / "bus.trace").read_text("utf-8")
