"""What a measurement was made on: machine, versions, commit."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eew import __version__

__all__ = ["machine_facts"]

_CHECKOUT = Path(__file__).resolve().parents[2]


def machine_facts() -> dict[str, Any]:
    """Return what stands at the top of every measurement's JSON."""
    return {
        "machine": {"cpus": os.cpu_count(), "system": platform.system(), "processor": platform.machine()},
        "versions": {"eew": __version__, "python": platform.python_version(), "numpy": version("numpy")},
        "commit": _commit(),
    }


def _commit() -> str | None:
    """Return the commit of the checkout; ``None`` where eew is installed, or there is no git."""
    git = shutil.which("git")
    if git is None or not (_CHECKOUT / ".git").exists():
        return None
    found = subprocess.run([git, "-C", _CHECKOUT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None
