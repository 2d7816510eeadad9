"""Lightning's half of the command line: the run, its folder and how it ends."""
