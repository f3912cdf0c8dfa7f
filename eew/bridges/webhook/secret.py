"""The secrets that webhooks are signed with: in a file of one's own or the environment, never in the config."""

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path

from eew.model.errors import InputError
from eew.model.system.secret_file import read_secret

__all__ = ["new_secret", "secrets_in_environment", "secrets_in_file"]

_PREFIX = "whsec_"
#: Of a secret, bytes [STDWEBHOOKS].
_LEAST, _MOST, _NEW = 24, 64, 32
_EXPECTED = f"{_PREFIX} and base64 of {_LEAST} to {_MOST} bytes; while it is changed, the old one after the new one"
_MOST_SECRETS = 2
_MOST_READ = 4096


def new_secret() -> str:
    """Return a secret that nobody has had before, as it stands in a file."""
    return _PREFIX + base64.b64encode(os.urandom(_NEW)).decode()


def secrets_in_file(path: Path) -> tuple[bytes, ...]:
    """Return the secrets in a file that only its owner may read or write, the newest first.

    Raises
    ------
    InputError
        If it holds none, or others may read or write it.
    OSError
        If it cannot be read.
    """
    secrets = _secrets(read_secret(path, _MOST_READ).decode(errors="replace"))
    if secrets is None:
        raise InputError(_EXPECTED, file=path)
    return secrets


def secrets_in_environment(name: str, environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the secrets in an environment variable, the newest first; raises ``InputError`` if it holds none."""
    secrets = _secrets(environment.get(name, ""))
    if secrets is None:
        raise InputError(f"the environment variable {name} to hold {_EXPECTED}")
    return secrets


def _secrets(text: str) -> tuple[bytes, ...] | None:
    """Return the secrets, ``None`` if one of them is none; what was found is a secret and shown to nobody."""
    words = text.split()
    if not 1 <= len(words) <= _MOST_SECRETS:
        return None
    secrets = []
    for word in words:
        try:
            secret = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            return None
        if not word.startswith(_PREFIX) or not _LEAST <= len(secret) <= _MOST:
            return None
        secrets.append(secret)
    return tuple(secrets)
