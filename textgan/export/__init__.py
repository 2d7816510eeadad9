"""Export of a trained pipeline as one graph in a file, and sampling from that file."""

from textgan.export.exported import ExportedOutput, ExportedPipeline
from textgan.export.writing import export_pipeline

__all__ = ["ExportedOutput", "ExportedPipeline", "export_pipeline"]
