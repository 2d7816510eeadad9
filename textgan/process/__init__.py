"""The process: its signals, its output streams, its children and what it runs short of."""
