"""Saved parts: written, checked and loaded, from folders and from the hub."""
