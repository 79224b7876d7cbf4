"""What the rooms of the daemon talk about: frozen records and enums, standard library only."""
