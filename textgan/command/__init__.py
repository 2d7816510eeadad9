"""The other verbs of `textgan`: one a file, each with `main(argv) -> int`."""
