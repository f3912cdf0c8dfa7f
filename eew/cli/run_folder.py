"""The folder of one run: what it leaves, and what it works with meanwhile."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from eew.model.system.interrupt import held, work_folder
from eew.model.system.output import check_folder

__all__ = ["run_folder"]

_IN_WORKING_FOLDER = Path("runs")
_NOT_OURS = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextlib.contextmanager
def run_folder(runs: str | None, name: str) -> Iterator[tuple[Path, Path]]:
    """Give a new folder for a run's results and one in it that is gone afterwards; nothing stays of a run without any.

    Parameters
    ----------
    runs
        The folder for all runs; ``None``: ``runs`` in the working folder, or where that cannot be written the user's
        own, which is said on standard error.
    name
        What is played.

    Raises
    ------
    InputError
        If ``runs`` was given and cannot be written.
    """
    check_folder(runs, "--runs")
    above = _IN_WORKING_FOLDER if runs is None else Path(runs)
    was_there = above.is_dir()
    folder: Path | None = None
    try:
        with held():
            try:
                folder = _new_folder(above, name)
            except OSError as error:
                if runs is not None or error.errno not in _NOT_OURS:
                    raise
                above = _users_own()
                was_there = True
                sys.stderr.write(f"eew replay: note: the working folder cannot be written: the run goes to {above}\n")
                folder = _new_folder(above, name)
        with work_folder("work-", folder) as work:
            yield folder, work
    finally:
        with held():
            for each in (folder, None if was_there else above):
                # One with results in it stays.
                with contextlib.suppress(OSError):
                    if each is not None:
                        each.rmdir()


def _users_own() -> Path:
    import platformdirs

    return platformdirs.user_state_path("eew") / "runs"


def _new_folder(above: Path, name: str) -> Path:
    started = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    above.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = above / (f"{started}-{name}" if number == 1 else f"{started}-{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder
