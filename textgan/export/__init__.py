"""A trained pipeline as one graph in a file, which draws without this package or in it."""

from textgan.export.exported import ExportedOutput, ExportedPipeline
from textgan.export.writing import export_pipeline

__all__ = ["ExportedOutput", "ExportedPipeline", "export_pipeline"]
