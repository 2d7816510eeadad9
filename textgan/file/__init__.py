"""Files in general: where they are, how they are read within limits, how they are written."""
