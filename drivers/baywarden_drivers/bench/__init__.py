"""A technician's bench: finds and names devices, weighs a line before it is wired, records what is said on it.

Nothing here is loaded by the daemon but `frames`, `names` and `trace`, and those only while a trace is watched.
"""
