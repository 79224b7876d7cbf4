"""The ledger and the telemetry on disk: one writer, one transaction for a state and its outgoing events."""

from baywarden.store.store import Store, open_store

__all__ = ["Store", "open_store"]
