"""Limits, pauses and the fail-safe: written, read back and judged by their effect."""
