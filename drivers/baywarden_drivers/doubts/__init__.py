"""What a profile leaves open, and how a device's own answers decide it."""
