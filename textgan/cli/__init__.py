"""Command line: verbs, their words and their help."""
