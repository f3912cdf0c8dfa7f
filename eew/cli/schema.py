"""``eew schema``: the JSON Schemas of the messages, for integrators."""

import argparse
from pathlib import Path

from eew.errors import InputError

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="one message, such as device-alert (default: all)")
    parser.add_argument("--out", metavar="DIR", help="write NAME.schema.json files there instead of printing")


def run(arguments: argparse.Namespace) -> int:
    """Print one schema, or all as one object by name, or write a file each; return the exit code."""
    import json

    from eew.wire.message import json_schemas

    schemas = json_schemas()
    if arguments.name is not None:
        if arguments.name not in schemas:
            raise InputError(f"one of {', '.join(schemas)}", field="NAME", value=arguments.name)
        schemas = {arguments.name: schemas[arguments.name]}
    if arguments.out is None:
        shown = schemas if arguments.name is None else schemas[arguments.name]
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0
    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas.items():
        path = folder / f"{name}.schema.json"
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path)
    return 0
