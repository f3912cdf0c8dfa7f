"""``eew key``: the keys that reports are signed with."""

import argparse
from pathlib import Path

from eew.model.exit_status import ExitStatus
from eew.model.system.output import check_file

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    acts = parser.add_subparsers(dest="act", metavar="new", required=True)
    new = acts.add_parser("new", help="make a key in a new file, for its owner only; nothing is written over")
    new.add_argument("path", type=Path, metavar="PATH", help="a PEM file that is not there yet")


def run(arguments: argparse.Namespace) -> int:
    """Make a key and say what devices are to be given; return 0."""
    from eew.contract.signature import SigningKey, in_base64url

    check_file(arguments.path, "PATH")
    key = SigningKey.create(arguments.path)
    public = in_base64url(key.public_bytes)
    print(f"key         {arguments.path}: a secret; dispatchers sign with it (--key, or key = in dispatch.toml)")
    print(f"id          {key.key_id}")
    print(f"public key  {public}")
    print(f"devices     eew swarm --public-key={public}, and likewise eew watch")
    return ExitStatus.DONE
