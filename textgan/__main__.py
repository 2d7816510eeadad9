"""`python -m textgan` is the command `textgan`."""

import sys

from textgan.cli.main import main

sys.exit(main())
