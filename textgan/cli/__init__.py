"""The command line: verbs, words and help."""
