"""Checkpoint files: find, check and read them."""
