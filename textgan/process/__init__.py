"""Process-level code: signals, output streams, child processes, and errors of a full machine."""
