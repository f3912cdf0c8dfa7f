"""Whose alerts a subscriber trusts, as the command line says it."""

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

from eew.model.errors import InputError

__all__ = ["own_public_key", "public_keys"]


def public_keys(texts: Sequence[str], option: str = "--public-key") -> dict[str, bytes]:
    """Return public keys of 32 bytes by their ids; raises ``InputError`` for what is none."""
    from eew.contract.signature import key_id_of

    keys = {}
    for text in texts:
        word = text.strip().rstrip("=")
        try:
            key = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            raise InputError("an Ed25519 public key: 32 bytes as base64url, 43 characters", field=option, value=text)
        keys[key_id_of(key)] = key
    return keys


def own_public_key() -> dict[str, bytes]:
    """Return the public part of the user's own key by its id; empty if there is no such key yet, none is made."""
    import platformdirs

    from eew.contract.signature import SigningKey

    path: Path = platformdirs.user_data_path("eew") / "signing-key.pem"
    if not path.exists():
        return {}
    key = SigningKey.load_or_create(path)
    return {key.key_id: key.public_bytes}
