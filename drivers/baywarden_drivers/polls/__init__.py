"""What is read when, and in which reads."""
