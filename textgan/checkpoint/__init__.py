"""Checkpoints as files: found, read and checked."""
