"""Comparison of stored evaluations, without torch and without a model."""
