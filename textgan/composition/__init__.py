"""Hydra's half of the command line; nothing else imports hydra."""

from textgan.composition.completion import candidates
from textgan.composition.job import compose_and_run

__all__ = ["candidates", "compose_and_run"]
