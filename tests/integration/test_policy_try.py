"""`baywarden policy try` as a newcomer runs it: the examples of the documentation, and wrong files."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parents[2]
EXAMPLES = HERE / "config/examples"
PAGE = (HERE / "docs/overstay.md").read_text(encoding="utf-8")
WORKED = re.findall(r"^\| ([a-z-]+) \| ([a-z]+) \| .* \| ([0-9.]+) ([A-Z]{3}) \|$", PAGE, re.MULTILINE)
POLICY = 'id = "p"\ncurrency = "EUR"\nbasis = "CONNECT"\nrate_per_min = "1"\n'
STAY = [{"state": "CHARGING", "from": "2026-05-01T10:00:00Z", "to": "2026-05-01T10:10:00Z"}]


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "baywarden", "policy", "try", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=HERE,
    )


def tried(tmp_path: Path, policy: str, stay: Any, *words: str, name: str = "p.toml") -> Any:
    (tmp_path / name).write_text(policy, encoding="utf-8")
    (tmp_path / "t.json").write_text(stay if isinstance(stay, str) else json.dumps(stay), encoding="utf-8")
    return run("--policy", str(tmp_path / name), "--timeline", str(tmp_path / "t.json"), *words)


def test_the_page_works_every_example_policy() -> None:
    assert {policy for policy, *_ in WORKED} == {file.stem for file in (EXAMPLES / "policies").iterdir()}


@pytest.mark.parametrize(("policy", "timeline", "amount", "currency"), WORKED)
def test_a_worked_example_comes_out_as_the_page_says(
    policy: str, timeline: str, amount: str, currency: str
) -> None:
    files = [str(EXAMPLES / f"policies/{policy}.toml"), str(EXAMPLES / f"timelines/{timeline}.json")]
    done = run(
        *("--policy", files[0], "--timeline", files[1], "--booking-end", "2026-05-01T18:00:00Z", "--json")
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["amount"], answer["currency"]) == (amount, currency)


def test_the_page_shows_what_is_printed() -> None:
    block = PAGE[PAGE.index("    ten-minutes-free v1") :].split("\n\n")[0]
    files = "policies/ten-minutes-free.toml", "timelines/evening.json"
    done = run("--policy", str(EXAMPLES / files[0]), "--timeline", str(EXAMPLES / files[1]))
    assert done.stdout == "".join(f"{line[4:]}\n" for line in block.splitlines())


def test_a_policy_in_json_is_the_same(tmp_path: Path) -> None:
    policy = {"id": "p", "currency": "EUR", "basis": "CONNECT", "rate_per_min": 0.1, "tax_included": False}
    policy["applies_to"] = {"evse_groups": ["north"], "current": "DC"}
    done = tried(tmp_path, json.dumps(policy), STAY, "--json", name="p.json")
    assert json.loads(done.stdout)["amount"] == "1.00"


def test_time_between_two_entries_is_unknown_and_parts_of_a_percent_count_down(tmp_path: Path) -> None:
    bands = 'occupancy = [{ min_pct = 0, multiplier = "1" }, { min_pct = 50, multiplier = 2.5 }]\n'
    later = {"state": "CHARGING", "from": "2026-05-01T12:20:00+02:00", "to": "2026-05-01T12:30:00+02:00"}
    stay = [{**STAY[0], "occupancy_pct": 49.9}, {**later, "occupancy_pct": 50.0}]
    answer = json.loads(tried(tmp_path, POLICY + bands, stay, "--json").stdout)
    assert (answer["clock_s"], answer["amount"]) == (1200, "35.00")
    assert [line["reason"] for line in answer["breakdown"]] == ["BILLED", "UNKNOWN", "BILLED"]


@pytest.mark.parametrize(
    ("policy", "stay", "code", "told"),
    [
        (
            POLICY.replace("rate", "rat"),
            STAY,
            1,
            "p.toml:4: rat_per_min: unknown key; did you mean 'rate_per_min'?",
        ),
        (POLICY.replace('"1"', '"-1"'), STAY, 1, "rate_per_min: '-1' is no amount (accepted: zero or more)"),
        (POLICY.replace('"1"', "nan"), STAY, 1, "rate_per_min: money is written in quotes"),
        (POLICY.replace("EUR", "EUX"), STAY, 1, "currency: 'EUX' is no ISO 4217 currency"),
        (
            POLICY + 'exempt = [{ start = "20:00", end = "08:00" }]\n',
            STAY,
            1,
            "tz: is missing, and exempt is in local",
        ),
        (POLICY + "exempt = 3", STAY, 1, "exempt: must be a list"),
        ("id =", STAY, 1, "is no TOML"),
        (POLICY, "{", 1, "t.json: is no JSON"),
        (POLICY, [], 1, "t.json: must be a list of segments"),
        (
            POLICY,
            [{**STAY[0], "state": "IDLE"}],
            1,
            "segment 1: state 'IDLE' is not known (accepted: CHARGING,",
        ),
        (POLICY, [*STAY, *STAY], 1, "segment 2: from lies before the end of the segment before it"),
        (POLICY, [{**STAY[0], "to": "2026-05-01T09:00:00Z"}], 1, "segment 1: ends before it begins"),
        (
            POLICY,
            [{**STAY[0], "to": "2026-05-01T11:00:00"}],
            1,
            "segment 1: to '2026-05-01T11:00:00' is no moment",
        ),
        (POLICY, [{**STAY[0], "occupancy_pct": 101}], 1, "occupancy_pct 101 is no share"),
        (POLICY, [{**STAY[0], "ocupancy": 1}], 1, "segment 1: 'ocupancy' is not known"),
    ],
)
def test_a_fault_in_a_file_is_told_with_its_place(
    tmp_path: Path, policy: str, stay: Any, code: int, told: str
) -> None:
    done = tried(tmp_path, policy, stay)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_and_a_wrong_moment_are_wrong_use(tmp_path: Path) -> None:
    done = run("--policy", str(tmp_path / "none.toml"), "--timeline", str(tmp_path / "t.json"))
    assert (done.returncode, "none.toml: cannot be read" in done.stderr) == (2, True)
    done = tried(tmp_path, POLICY, STAY, "--booking-end", "tomorrow")
    assert (done.returncode, "--booking-end 'tomorrow' is no moment" in done.stderr) == (2, True)
