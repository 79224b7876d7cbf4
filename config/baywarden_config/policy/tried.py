"""`baywarden policy try`: what a policy charges for a timeline, without a daemon."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from baywarden.model.overstay import Assessment, Basis, BreakdownLine, OverstayPolicy
from baywarden.policy.overstay import assess
from baywarden.settings.errors import ConfigError
from baywarden.settings.policies import load_policy
from baywarden_config.asking import show
from baywarden_config.errors import DONE, ToolError, WrongUse
from baywarden_config.layout import table
from baywarden_config.policy.timeline import RFC_3339, load_timeline, moment
from baywarden_config.times import rfc3339, shown


def add_parser(actions: Any) -> None:
    """Tell argparse about the command."""
    parser: ArgumentParser = actions.add_parser("try", help="what a policy would charge for a timeline")
    parser.add_argument(
        "--policy",
        metavar="FILE",
        type=Path,
        required=True,
        help="the policy, TOML or JSON (docs/overstay.md)",
    )
    parser.add_argument(
        "--timeline",
        metavar="FILE",
        type=Path,
        required=True,
        help='JSON list of {"state", "from", "to", "occupancy_pct"}',
    )
    parser.add_argument("--booking-end", metavar="T", help="end of the booking, RFC 3339")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument(
        "--local", action="store_true", help="print times in this machine's zone instead of UTC"
    )


def run(args: Namespace) -> int:
    """Print what is owed at the end of the timeline."""
    policy = _policy(args.policy)
    booking_end_at = moment(args.booking_end)
    if args.booking_end is not None and booking_end_at is None:
        raise WrongUse(f"--booking-end {args.booking_end!r} is no moment (accepted: {RFC_3339})")
    if policy.basis is Basis.BOOKING_END and booking_end_at is None:
        print(
            f"baywarden: {policy.id} counts from the end of a booking, and no --booking-end is given",
            file=sys.stderr,
        )
    due = assess(policy, load_timeline(args.timeline), booking_end_at)
    if args.json:
        show(answer(policy, due))
        return DONE
    for line in _told(policy, due, args.local):
        print(line)
    return DONE


def answer(policy: OverstayPolicy, due: Assessment) -> Mapping[str, Any]:
    """The outcome as plain JSON; money is a decimal string."""
    return {
        "policy_id": policy.id,
        "policy_version": policy.version,
        "clock_s": due.clock_s,
        "billable_s": due.billable_s,
        "billed_s": due.billed_s,
        "amount": amount(policy, due.amount_minor),
        "currency": due.currency,
        "capped": due.capped,
        "breakdown": [_line(line) for line in due.breakdown],
    }


def amount(policy: OverstayPolicy, minor: int) -> str:
    """The amount in the currency's major unit with all its digits."""
    return f"{Decimal(minor).scaleb(-policy.minor_digits):f}"


def _line(line: BreakdownLine) -> Mapping[str, Any]:
    return {
        "from": rfc3339(line.from_at),
        "to": rfc3339(line.to_at),
        "seconds": line.seconds,
        "multiplier": f"{line.multiplier.normalize():f}",
        "reason": line.reason,
    }


def _policy(path: Path) -> OverstayPolicy:
    try:
        return load_policy(path)
    except OSError as error:
        raise WrongUse(f"{path}: cannot be read: {error.strerror or error}") from error
    except ConfigError as error:
        raise ToolError(str(error)) from error


def _told(policy: OverstayPolicy, due: Assessment, local: bool) -> list[str]:
    owed = f"{amount(policy, due.amount_minor)} {due.currency}"
    lines = [
        f"{policy.id} v{policy.version}: {owed}{' (capped)' if due.capped else ''}",
        f"clock {due.clock_s} s, billable {due.billable_s} s, billed {due.billed_s} s",
    ]
    rows = [
        [
            shown(line.from_at.isoformat(), local),
            shown(line.to_at.isoformat(), local),
            str(line.seconds),
            f"{line.multiplier.normalize():f}",
            line.reason,
        ]
        for line in due.breakdown
    ]
    return [*lines, *(table(["FROM", "TO", "SECONDS", "TIMES", "WHY"], rows) if rows else [])]
