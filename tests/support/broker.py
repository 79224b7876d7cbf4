"""A real broker for tests: the demo's own, so that what the demo shows is what is tested."""

from baywarden_config.demo.broker import Broker, BrokerKind, NoBroker, broker_kinds, free_port

__all__ = ["Broker", "BrokerKind", "NoBroker", "broker_kinds", "free_port"]
