"""The closing words: the figures, and each overstay fee worked out again."""

from baywarden_config.demo.byhand import by_hand
from baywarden_config.demo.console import Console
from baywarden_config.demo.site import LABELS
from baywarden_config.demo.verdict import Verdict


def tell_verdict(verdict: Verdict, console: Console) -> None:
    """The figures, and each overstay fee worked out again."""
    console.plain()
    for booking in sorted(verdict.bookings, key=lambda row: str(row["created_at"])):
        console.plain(f"  booking {booking['id']:<8} {LABELS[booking['evse_id']]}: {booking['status']}")
    for penalty in verdict.penalties:
        place = f"  {LABELS[penalty['evse_id']]} owes {penalty['amount']} {penalty['currency']}"
        if penalty["status"] == "ACCRUING":
            console.plain(f"{place} so far")
        elif penalty["kind"] == "OVERSTAY":
            console.plain(f"{place} for an overstay; by hand: {by_hand(penalty)}")
        else:
            console.plain(f"{place} for a {penalty['kind'].lower().replace('_', '-')}")
    console.plain(
        f"  {len(verdict.sessions)} sessions, {verdict.energy_wh / 1000:.2f} kWh; "
        f"{verdict.events_sent} events sent, {verdict.events_received} received, "
        f"duplicates dropped: {verdict.duplicates}"
    )
    console.plain(f"  lost {verdict.lost}, gaps {verdict.gaps}")
    for difference in verdict.differences:
        console.plain(f"  differs: {difference}")
    console.plain()
    console.plain(
        "The cloud holds what the site holds."
        if verdict.good
        else "The cloud does NOT hold what the site holds."
    )
