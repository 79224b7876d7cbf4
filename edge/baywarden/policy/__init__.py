"""Decides and performs nothing: pure functions from what is and what was seen to what should be."""
