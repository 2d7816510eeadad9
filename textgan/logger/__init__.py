"""Loggers that Lightning lacks, and what every logger is told of a run."""

from textgan.logger.csv import CSVLogger
from textgan.logger.hyperparameters import LogHyperparameters

__all__ = ["CSVLogger", "LogHyperparameters"]
