"""Verbs of `textgan` that do not use LightningCLI, one per file, each with `main(argv) -> int`."""
