"""The technician's tool: it asks the daemon by its control socket and reads and writes site.toml."""
