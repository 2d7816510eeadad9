"""Loggers that Lightning lacks."""

from textgan.logger.csv import CSVLogger

__all__ = ["CSVLogger"]
