"""Which address a worker's connections go out from."""

import sys

__all__ = ["source_host"]


def source_host(broker_host: str, worker_no: int) -> str | None:
    """Return an address of a worker's own to reach a broker on this machine from; ``None`` where there is none.

    One address has some 28 000 ports, and the kernel looks long for a free one when half of them are taken. Linux
    answers to all of 127.0.0.0/8.
    """
    if sys.platform == "linux" and broker_host.startswith("127."):
        return f"127.0.0.{2 + worker_no}"
    return None
