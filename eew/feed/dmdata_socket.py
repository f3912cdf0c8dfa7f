"""What DMDATA's WebSocket v2 carries around its telegrams: frames in JSON, bodies packed."""

import base64
import binascii
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.refusal import refusal_of
from eew.model.errors import ReportDecodeError

__all__ = ["SOURCE", "TELEGRAMS", "Telegram", "error_of", "pong_of", "read_frame"]

#: Whose life its frames show.
SOURCE = "dmdata"
#: JMA's early warnings: test, warning, forecast, ground-motion forecast.
TELEGRAMS = ("VXSE42", "VXSE43", "VXSE44", "VXSE45")
#: Of a body, unpacked. A telegram with all areas of Japan has 80 kB.
MAX_BYTES = 1_000_000
#: Of a body, packed: what has little in it may well be a bomb.
MAX_PACKED_BYTES = 200_000
#: Frames that are looked at before they are read are short.
_MAX_WORD_BYTES = 4_096
_GZIP = 16 + zlib.MAX_WBITS
_MOST_TEXT = 100


class _Head(msgspec.Struct):
    type: str
    test: bool = False


class _Data(msgspec.Struct):
    head: _Head
    body: str
    format: str | None = None
    compression: str | None = None
    encoding: str | None = None


class Telegram(NamedTuple):
    """A telegram as its office wrote it."""

    #: ``json`` or ``xml``.
    form: str
    data: bytes
    is_test: bool


def read_frame(frame: dict[str, Any], *, file: str | Path | None = None) -> Telegram | Heartbeat | Ignored:
    """Read a frame.

    Parameters
    ----------
    frame
        One JSON object.
    file
        Where it came from, for the error.

    Returns
    -------
    Telegram, Heartbeat or Ignored
        A telegram of an early warning in JSON or XML; a sign of life; what is none of these, and what the service
        complains of.

    Raises
    ------
    ReportDecodeError
        If it is no frame of this protocol, or its body cannot be unpacked within the bounds.

    References
    ----------
    [DMDATA-WS]
    """
    match frame.get("type"):
        case "start" | "ping" | "pong":
            return Heartbeat(SOURCE)
        case "error":
            return Ignored(_complaint(frame))
        case "data":
            return _telegram(frame, file)
        case other:
            shown = other if isinstance(other, str) else None
            expected = "eew-information, or a frame: start, ping, data or error"
            raise ReportDecodeError(expected, file=file, field="type", value=shown)


def pong_of(data: bytes) -> str | None:
    """Return what a frame wants to be answered with: a ping the pong that names it; nothing is raised."""
    frame = _short_frame(data)
    if frame is None or frame.get("type") != "ping":
        return None
    return json.dumps({"type": "pong", "pingId": frame.get("pingId")})


def error_of(data: bytes) -> str | None:
    """Return what the service complains of in a frame, if it does; nothing is raised."""
    frame = _short_frame(data)
    return None if frame is None or frame.get("type") != "error" else _complaint(frame)


def _short_frame(data: bytes) -> dict[str, Any] | None:
    if len(data) > _MAX_WORD_BYTES:
        return None
    try:
        frame = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None


def _complaint(frame: dict[str, Any]) -> str:
    return f"the service says: {str(frame.get('error'))[:_MOST_TEXT]} (code {str(frame.get('code'))[:_MOST_TEXT]})"


def _telegram(frame: dict[str, Any], file: str | Path | None) -> Telegram | Ignored:
    try:
        data = msgspec.convert(frame, _Data)
    except msgspec.ValidationError as error:
        refusal = refusal_of(error)
        raise ReportDecodeError(refusal.expected, file=file, field=".".join(map(str, refusal.path))) from error
    if data.head.type not in TELEGRAMS:
        return Ignored(f"a telegram of another kind: {data.head.type[:_MOST_TEXT]}")
    if data.format not in {"json", "xml"}:
        return Ignored(f"a telegram in another form than JSON and XML: {str(data.format)[:_MOST_TEXT]}")
    return Telegram(data.format, _unpacked(_decoded(data, file), data.compression, file), data.head.test)


def _decoded(data: _Data, file: str | Path | None) -> bytes:
    match data.encoding:
        case "base64":
            if len(data.body) > MAX_PACKED_BYTES // 3 * 4 + 4 and data.compression is not None:
                raise _too_long(len(data.body), MAX_PACKED_BYTES // 3 * 4, file)
            try:
                return base64.b64decode(data.body, validate=True)
            except (binascii.Error, ValueError) as error:
                raise ReportDecodeError(f"base64 ({error})", file=file, field="body", value=data.body[:20]) from error
        case "utf-8" | None:
            return data.body.encode(errors="surrogatepass")
        case other:
            raise ReportDecodeError("base64 or utf-8", file=file, field="encoding", value=other)


def _unpacked(packed: bytes, compression: str | None, file: str | Path | None) -> bytes:
    """Return a body unpacked, of which no more is unpacked than it may hold."""
    limit = MAX_BYTES if compression is None else MAX_PACKED_BYTES
    if len(packed) > limit:
        raise _too_long(len(packed), limit, file)
    try:
        match compression:
            case None:
                return packed
            case "gzip":
                inflating = zlib.decompressobj(_GZIP)
                data = inflating.decompress(packed, MAX_BYTES + 1)
                is_whole = inflating.eof
            case "zip":
                data, is_whole = _zipped(packed), True
            case other:
                raise ReportDecodeError("gzip, zip or null", file=file, field="compression", value=other)
    # What else zipfile raises at what was made to break it: RuntimeError and NotImplementedError of its own checks.
    except (zlib.error, zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
        raise ReportDecodeError(f"{compression} ({error})", file=file, field="body") from error
    if len(data) > MAX_BYTES:
        raise _too_long(len(data), MAX_BYTES, file)
    if not is_whole:
        raise ReportDecodeError(f"{compression} that is whole", file=file, field="body", value=len(packed))
    return data


def _zipped(packed: bytes) -> bytes:
    """Return the only file of an archive, or so much of it that it is seen to be too long."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        infos = archive.infolist()
        if len(infos) != 1:
            raise ValueError(f"{len(infos)} files instead of one")
        if infos[0].compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError("packed in a way that is none of zip's own")
        with archive.open(infos[0]) as file:
            return file.read(MAX_BYTES + 1)


def _too_long(length: int, limit: int, file: str | Path | None) -> ReportDecodeError:
    return ReportDecodeError(f"at most {limit} bytes", file=file, field="body", value=length)
