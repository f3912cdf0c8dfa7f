"""What comes with eew beside its code: scenarios, the demo shelters, examples of configurations.

In a wheel they lie in this folder, where the build puts them. In a checkout they are the folders of the same names at
its top, which people edit and which the build takes.
"""

from importlib import resources
from pathlib import Path

__all__ = ["shipped"]


def shipped(folder: str) -> Path:
    """Return a folder of what comes with eew.

    Parameters
    ----------
    folder
        ``scenarios``, ``shelters/demo`` or ``examples``.

    Raises
    ------
    FileNotFoundError
        If eew was installed without it: a mistake of its packaging.
    """
    with resources.as_file(resources.files("eew.model.shipped")) as here:
        for top in (here, here.parents[2]):
            if (top / folder).is_dir():
                return top / folder
    raise FileNotFoundError(f"eew was installed without its {folder}")
