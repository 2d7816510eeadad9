"""Lightning's part of the command line: the run, its folder and its end."""
