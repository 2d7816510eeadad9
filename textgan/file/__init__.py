"""Files on disk: limits on untrusted ones, safe opening, atomic writing, home folders."""
