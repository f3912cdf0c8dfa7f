"""One Ed25519 signature a report: what exactly is signed, with which key, and how a device checks it.

The event core is UTF-8 text of twelve lines joined by a line feed, without one at the end::

    eew-core-v1
    event_id
    report_no      decimal
    kind           new, update, final or cancel
    status         actual, exercise or test
    issued_at      2011-03-11T05:46:48.800Z: UTC, three decimals, cut off not rounded
    origin_at      the same; empty if unknown
    lat_deg        five decimals; empty if unknown
    lon_deg        five decimals; empty if unknown
    depth_km       three decimals; empty if unknown
    magnitude      two decimals; empty if unknown
    expires_at     as issued_at

Numbers are the payload's JSON numbers read as IEEE 754 doubles and printed with that many decimals, rounded to the
nearest; a zero has no sign. A payload that prints no more decimals than these leaves nothing to round, so every
language gets the same bytes.
"""

import base64
import contextlib
import hashlib
import math
import os
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Self

import platformdirs
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from eew.contract.message import AlertCore
from eew.model.errors import InputError
from eew.model.system.interrupt import held
from eew.model.system.output import naming
from eew.model.system.secret_file import read_secret
from eew.model.units import iso_utc

__all__ = [
    "DEPTH_DECIMALS",
    "MAGNITUDE_DECIMALS",
    "POSITION_DECIMALS",
    "SigningKey",
    "Verifier",
    "core_bytes",
    "core_of",
    "core_time",
    "in_base64url",
    "key_id_of",
]

#: Most decimals that a payload may print, or the core of what it prints would differ from the core signed.
POSITION_DECIMALS = 5
DEPTH_DECIMALS = 3
MAGNITUDE_DECIMALS = 2

_CORE_VERSION = "eew-core-v1"
_N_CHECKED_KEPT = 1024
_SIGNATURE_LENGTH = 86
_EXPECTED_KEY = "an Ed25519 private key as PKCS #8 PEM without password"


def core_time(instant: datetime) -> str:
    """Return an aware instant as core and payload print it: UTC, milliseconds cut off, ``Z``."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone")
    return iso_utc(instant)


def core_bytes(
    *,
    event_id: str,
    report_no: int,
    kind: str,
    status: str,
    issued_at: datetime,
    origin_at: datetime | None,
    lat_deg: float | None,
    lon_deg: float | None,
    depth_km: float | None,
    magnitude: float | None,
    expires_at: datetime,
) -> bytes:
    """Return the bytes that are signed, as the module describes them.

    Parameters
    ----------
    event_id, report_no, kind, status
        As in the payload; words without a line feed.
    issued_at, origin_at, expires_at
        Aware instants; only ``origin_at`` may be unknown.
    lat_deg, lon_deg, depth_km, magnitude
        Degrees, km and a pure number; ``None`` where unknown.

    Raises
    ------
    ValueError
        If a word holds a line feed, a number is not finite or an instant has no time zone.
    """
    words = (event_id, str(kind), str(status))
    if any("\n" in word for word in words):
        raise ValueError(f"a line feed in {words!r}")
    lines = (
        _CORE_VERSION,
        event_id,
        f"{report_no:d}",
        str(kind),
        str(status),
        core_time(issued_at),
        "" if origin_at is None else core_time(origin_at),
        _number(lat_deg, POSITION_DECIMALS),
        _number(lon_deg, POSITION_DECIMALS),
        _number(depth_km, DEPTH_DECIMALS),
        _number(magnitude, MAGNITUDE_DECIMALS),
        core_time(expires_at),
    )
    return "\n".join(lines).encode()


def core_of(alert: AlertCore) -> bytes:
    """Return the bytes that an alert's signature is over."""
    return core_bytes(
        event_id=alert.event_id,
        report_no=alert.report_no,
        kind=alert.kind.value,
        status=alert.status.value,
        issued_at=alert.issued_at,
        origin_at=alert.origin_at,
        lat_deg=alert.lat_deg,
        lon_deg=alert.lon_deg,
        depth_km=alert.depth_km,
        magnitude=alert.magnitude,
        expires_at=alert.expires_at,
    )


def key_id_of(public_bytes: bytes) -> str:
    """Return the name of a key: the first eight hexadecimal digits of the SHA-256 of its 32 public bytes."""
    return hashlib.sha256(public_bytes).hexdigest()[:8]


class SigningKey:
    """An Ed25519 key pair [RFC8032]; ``repr`` shows its id only."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public_bytes = private_key.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public_bytes)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the key of a 32-byte secret seed."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def load_or_create(cls, path: Path | None = None) -> Self:
        """Return the key in a file, which is made if there is none.

        However many processes come first at once, all get the same key, and none ever sees half a file.

        Parameters
        ----------
        path
            PEM file (PKCS #8, no password), mode 0600. ``None``: ``signing-key.pem`` in the user's data directory.

        Raises
        ------
        InputError
            If the file is no such key, or others than its owner may read or write it.
        """
        path = platformdirs.user_data_path("eew") / "signing-key.pem" if path is None else path
        with contextlib.suppress(FileNotFoundError):
            return cls._load(path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
        return cls._load(path)

    @classmethod
    def named_or_own(cls, path: Path | None) -> Self:
        """Return the key in a file that was named, which must be there, else the user's own, made on first use.

        Raises
        ------
        InputError
            As ``load_or_create``, and if a named file is missing.
        """
        if path is None:
            return cls.load_or_create()
        try:
            return cls._load(path)
        except FileNotFoundError:
            expected = f"a key that is there: make one with `eew key new {path}`"
            raise InputError(expected, file=path, value="missing") from None

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a key in a new file, mode 0600, and return it.

        Raises
        ------
        InputError
            If there is something of that name; it is left alone.
        """
        if not _create(path):
            raise InputError("a name that is free: a key is never written over", file=path)
        return cls._load(path)

    @classmethod
    def _load(cls, path: Path) -> Self:
        """Read the file."""
        pem = read_secret(path, 65536)
        try:
            private_key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InputError(_EXPECTED_KEY, file=path) from error
        if not isinstance(private_key, Ed25519PrivateKey):
            raise InputError(_EXPECTED_KEY, file=path, value=type(private_key).__name__)
        return cls(private_key)

    def sign(self, core: bytes) -> str:
        """Return the signature as base64url without padding, 86 characters."""
        return in_base64url(self._private_key.sign(core))


class Verifier:
    """The public keys that a device trusts.

    Parameters
    ----------
    keys
        The 32 public bytes by key id.

    Raises
    ------
    ValueError
        If a public key has not 32 bytes.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in keys.items()}
        self._checked: OrderedDict[tuple[str, bytes, str], bool] = OrderedDict()

    def verify(self, key_id: object, core: bytes, signature: object) -> bool:
        """Return whether a trusted key of that id signed the core; never raises, whatever came over the wire.

        One report comes in a million alerts with one signature: the last answers are kept.
        """
        if not isinstance(key_id, str) or not isinstance(signature, str) or len(signature) != _SIGNATURE_LENGTH:
            return False
        question = (key_id, core, signature)
        answer = self._checked.get(question)
        if answer is None:
            answer = self._check(key_id, core, signature)
            self._checked[question] = answer
            if len(self._checked) > _N_CHECKED_KEPT:
                self._checked.popitem(last=False)
        return answer

    def _check(self, key_id: str, core: bytes, signature: str) -> bool:
        key = self._keys.get(key_id)
        if key is None:
            return False
        try:
            raw = base64.b64decode(signature + "==", altchars=b"-_", validate=True)
            # One signature has one text: neither the other alphabet nor spare bits at the end are ours.
            if in_base64url(raw) != signature:
                return False
            key.verify(raw, core)
        except (ValueError, InvalidSignature):
            return False
        return True


def in_base64url(raw: bytes) -> str:
    """Return base64url without padding [RFC4648]."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _number(value: float | None, n_decimals: int) -> str:
    """Print with fixed decimals; empty where unknown."""
    if value is None:
        return ""
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    text = f"{value:.{n_decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _create(path: Path) -> bool:
    """Put a new key there unless there is one; the name appears with the whole file behind it.

    Returns whether it is ours, and not of somebody who was faster.
    """
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with held(), naming(path):
        # mkstemp opens with O_EXCL and 0600; a link, unlike a rename, never replaces what is there.
        descriptor, temporary = tempfile.mkstemp(prefix=".signing-key-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            Path(temporary).unlink()
    return True
