"""Hydra's part of the command line; no other folder imports hydra."""
