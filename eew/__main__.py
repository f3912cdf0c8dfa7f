"""Run the command line as ``python -m eew``."""

import sys

from eew.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
