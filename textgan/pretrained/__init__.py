"""Saved parts: write, check and load them, from folders and from the Hugging Face Hub."""
