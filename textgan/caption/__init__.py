"""Captions as text and as tokens."""
