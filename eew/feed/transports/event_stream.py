"""The lines of a stream of server-sent events, taken apart as they come."""

from collections.abc import Iterator

__all__ = ["EventStream"]


class EventStream:
    """Cuts a stream into the data of its events, by the rules of the HTML standard.

    Parameters
    ----------
    max_bytes
        How long an event may be.

    Notes
    -----
    Lines end in CR, LF or both; an empty line ends an event, whose data are its ``data`` lines joined. Comments, which
    keep a connection alive, and what the events are called make no data. An event that the stream's end cuts off is
    none.

    References
    ----------
    [SSE]
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._rest = b""
        self._lines: list[bytes] = []
        self._n_bytes = 0
        self._is_first = True
        self._is_after_cr = False

    def events(self, chunk: bytes) -> Iterator[bytes]:
        """Take what has come; yield the data of each event that ends in it.

        Raises
        ------
        ConnectionError
            If an event is too long.
        """
        if not chunk:
            return
        # A CR that ended the last chunk was a line's end, of which an LF may be the other half.
        if self._is_after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
        self._is_after_cr = chunk[-1:] == b"\r"
        *whole, self._rest = (self._rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            if not line:
                if self._lines:
                    yield b"\n".join(self._lines)
                self._lines, self._n_bytes = [], 0
                continue
            self._take(line)
        if self._n_bytes + len(self._rest) > self._max_bytes:
            raise ConnectionError(f"the server sends an event of more than {self._max_bytes} bytes")

    def _take(self, line: bytes) -> None:
        """Take a line of an event."""
        if self._is_first:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._is_first = False
        name, _, value = line.partition(b":")
        if name == b"data":
            self._lines.append(value.removeprefix(b" "))
            self._n_bytes += len(value) + 1
