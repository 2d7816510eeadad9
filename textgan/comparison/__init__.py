"""Evaluations that were written, compared with one another; needs neither torch nor a model."""
