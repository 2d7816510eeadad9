"""`python -m textgan` is the command `textgan`."""

import sys

from textgan.cli import main

sys.exit(main())
