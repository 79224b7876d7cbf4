"""What the services need from the rooms below, as protocols, and the errors those may raise."""
