"""The first lines of a profile that nobody sells, for tests that write the rest of it."""

MADE_UP_METER = """
schema = 1
vendor = "ACME"
model = "M1"
kind = "meter"
confidence = "medium"
summary = "Made up."
sources = ["made up"]
"""
