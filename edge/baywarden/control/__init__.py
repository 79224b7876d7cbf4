"""The control socket: its lines and its client. Standard library only, so that commands start fast."""
