"""How far something long has come: a bar on a terminal, lines elsewhere, nothing for what is soon done."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["progress"]

#: What takes less than this is done before anyone wonders.
QUIET_S = 2.0
#: Between two lines of progress where there is no terminal.
LINE_EVERY_S = 5.0


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[float], None]]:
    """Give a function that shows the share done on standard error: a bar, or lines where there is no terminal."""
    began_s = time.monotonic()
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        bar = Progress(console=Console(stderr=True), transient=True)
        task = bar.add_task(what, total=1)

        def show(share: float) -> None:
            bar.update(task, completed=share)
            if time.monotonic() - began_s > QUIET_S:
                bar.start()

        try:
            yield show
        finally:
            bar.stop()
        return
    said_s = began_s + QUIET_S - LINE_EVERY_S

    def tell(share: float) -> None:
        nonlocal said_s
        if time.monotonic() - said_s > LINE_EVERY_S:
            said_s = time.monotonic()
            sys.stderr.write(f"{what}: {share:.0%}\n")

    yield tell
