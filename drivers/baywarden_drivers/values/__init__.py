"""Registers to values, derived values, the charger's state, and which values can be trusted."""
