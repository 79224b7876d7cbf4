"""The unit's promises, by systemd's own judgement where it is installed and by its table everywhere."""

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

SYSTEMD: Final = Path(__file__).parents[3] / "systemd"
SERVICE: Final = SYSTEMD / "baywarden.service"
TCP_ONLY: Final = SYSTEMD / "examples" / "tcp-only.conf"
OLDEST_ANALYZE: Final = 252

REQUIRED: Final[Mapping[str, Sequence[str]]] = {
    "Type": ["notify"],
    "NotifyAccess": ["main"],
    "ExecStart": ["/usr/bin/baywarden run --config /etc/baywarden/site.toml"],
    "Restart": ["always"],
    "RestartPreventExitStatus": ["2"],
    "WatchdogSec": ["30"],
    "User": ["baywarden"],
    "UMask": ["0077"],
    "Environment": ["BAYWARDEN_BOOT_ID=%b", "MALLOC_ARENA_MAX=1"],
    "StateDirectoryMode": ["0700"],
    "NoNewPrivileges": ["yes"],
    "CapabilityBoundingSet": [""],
    "AmbientCapabilities": [""],
    "PrivateUsers": ["yes"],
    "KeyringMode": ["private"],
    "RestrictSUIDSGID": ["yes"],
    "ProtectSystem": ["strict"],
    "ProtectHome": ["yes"],
    "PrivateTmp": ["yes"],
    "ProtectProc": ["invisible"],
    "ProcSubset": ["pid"],
    "ProtectClock": ["yes"],
    "ProtectHostname": ["yes"],
    "ProtectKernelTunables": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectKernelLogs": ["yes"],
    "ProtectControlGroups": ["yes"],
    "RemoveIPC": ["yes"],
    "DevicePolicy": ["closed"],
    "DeviceAllow": ["char-ttyUSB rw", "char-ttyACM rw", "char-ttyAMA rw", "char-ttyS rw"],
    "RestrictAddressFamilies": ["AF_UNIX AF_INET AF_INET6"],
    "IPAddressDeny": ["any"],
    "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "RestrictNamespaces": ["yes"],
    "RestrictRealtime": ["yes"],
    "SystemCallArchitectures": ["native"],
    "SystemCallFilter": [
        "@system-service",
        "~@privileged @resources @mount @debug @cpu-emulation @obsolete @reboot @swap @raw-io @module @clock",
    ],
}

REQUIRED_TCP_ONLY: Final[Mapping[str, Sequence[str]]] = {
    "PrivateDevices": ["yes"],
    "SupplementaryGroups": [""],
    "DeviceAllow": [""],
}


def directives(path: Path) -> dict[str, list[str]]:
    """Every directive of a unit file with all its values, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def assert_asks_for(path: Path, required: Mapping[str, Sequence[str]]) -> None:
    found = directives(path)
    assert {name: found.get(name) for name in required} == {k: list(v) for k, v in required.items()}


def analyze() -> str | None:
    """systemd-analyze, where it is installed and knows --offline."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return None
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.match(r"systemd (\d+)", version)
    return program if number and int(number[1]) >= OLDEST_ANALYZE else None


def within(program: str, root: Path, threshold: int, *drop_ins: Path) -> subprocess.CompletedProcess[str]:
    """systemd's exposure of the unit as installed under `root`; the threshold is ten times the score."""
    units = root / "etc/systemd/system"
    (units / "baywarden.service.d").mkdir(parents=True)
    shutil.copy(SERVICE, units)
    for drop_in in drop_ins:
        shutil.copy(drop_in, units / "baywarden.service.d")
    argv = [program, f"--root={root}", "security", "--offline=true", f"--threshold={threshold}", "--no-pager"]
    return subprocess.run([*argv, "baywarden.service"], capture_output=True, text=True, check=False)


def test_the_units_exposure_is_at_most_1_2(tmp_path: Path) -> None:
    program = analyze()
    assert_asks_for(SERVICE, REQUIRED)
    if program is not None:
        done = within(program, tmp_path, 12)
        assert done.returncode == 0, done.stdout + done.stderr


def test_without_serial_ports_the_exposure_is_at_most_1_0(tmp_path: Path) -> None:
    program = analyze()
    assert_asks_for(TCP_ONLY, REQUIRED_TCP_ONLY)
    if program is not None:
        done = within(program, tmp_path, 10, TCP_ONLY)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_verifies_clean(tmp_path: Path) -> None:
    program = analyze()
    assert all(re.fullmatch(r"(\[\w+\]|\w+=.*|#.*|)", line) for line in SERVICE.read_text().splitlines())
    if program is not None:
        executable = tmp_path / "baywarden"
        executable.write_text("#!/bin/sh\n")
        executable.chmod(0o755)
        copy = tmp_path / "baywarden.service"
        copy.write_text(SERVICE.read_text().replace("/usr/bin/baywarden", str(executable)))
        done = subprocess.run([program, "verify", str(copy)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("target", ["time-sync.target", "network-online.target"])
def test_an_offline_gateway_waits_for_nothing_that_may_never_come(target: str) -> None:
    ordered = [
        value for name in ("After", "Wants", "Requires") for value in directives(SERVICE).get(name, [])
    ]
    assert not any(target in value.split() for value in ordered)


def test_a_crashing_daemon_is_started_again_without_end() -> None:
    assert directives(SERVICE)["StartLimitIntervalSec"] == ["0"]


def test_every_line_of_the_unit_is_explained_in_the_readme() -> None:
    readme = (SYSTEMD / "README.md").read_text()
    unexplained = [
        name for name in directives(SERVICE) if f"`{name}=" not in readme and f"`{name}`" not in readme
    ]
    assert unexplained == []


def test_the_user_of_the_unit_is_the_one_that_is_made() -> None:
    users = re.findall(r"^u (\S+)", (SYSTEMD / "baywarden.sysusers").read_text(), re.MULTILINE)
    assert directives(SERVICE)["User"] == users
    groups = re.findall(r"^g (\S+)", (SYSTEMD / "baywarden.sysusers").read_text(), re.MULTILINE)
    assert directives(SERVICE)["SupplementaryGroups"] == groups


def test_the_folder_of_the_configuration_is_readable_by_the_units_group() -> None:
    line = re.search(
        r"^d /etc/baywarden\s+(\S+) (\S+) (\S+)", (SYSTEMD / "baywarden.tmpfiles").read_text(), re.MULTILINE
    )
    assert line is not None
    assert line.groups() == ("0750", "root", "baywarden")
    assert directives(SERVICE)["ConfigurationDirectoryMode"] == ["0750"]


def test_every_udev_rule_is_made_of_known_keys() -> None:
    plain = "ACTION|SUBSYSTEMS?|KERNEL|DRIVER|GROUP|MODE|TAG|SYMLINK|GOTO|LABEL"
    pair = rf'({plain}|(ENV|ATTR|IMPORT)\{{\w+\}})(==|!=|\+=|=)"[^"]*"'
    rules = (SYSTEMD / "60-baywarden-serial.rules").read_text().splitlines()
    broken = [
        rule
        for rule in rules
        if rule and not rule.startswith("#") and not re.fullmatch(rf"{pair}(, {pair})*", rule)
    ]
    assert broken == []


def test_every_jump_of_the_udev_rules_has_its_label() -> None:
    rules = (SYSTEMD / "60-baywarden-serial.rules").read_text()
    assert set(re.findall(r'GOTO="(\w+)"', rules)) == set(re.findall(r'LABEL="(\w+)"', rules))
