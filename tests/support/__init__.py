"""Peers and doubles of ours for all tests."""
