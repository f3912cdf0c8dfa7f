"""``eew schema``: the JSON Schemas of the messages and the run summary, and the AsyncAPI document, for integrators."""

import argparse

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.system.output import check_folder, given_path, write_file

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="one, such as device-alert or run-summary (default: all)"
    )
    parser.add_argument("--asyncapi", action="store_true", help="print the AsyncAPI 3 document (JSON, so YAML too)")
    parser.add_argument("--out", metavar="DIR", help="write files there instead of printing")


def run(arguments: argparse.Namespace) -> int:
    """Print one schema, all as one object by name, or the AsyncAPI document, or write files; return the exit code."""
    import json

    from eew.contract.schemas.asyncapi import document
    from eew.contract.schemas.schema import schemas

    if arguments.asyncapi and arguments.name is not None:
        raise InputError("no NAME beside --asyncapi, which has all messages", field="NAME", value=arguments.name)
    made = {"asyncapi": document()} if arguments.asyncapi else schemas()
    if arguments.name is not None:
        if arguments.name not in made:
            raise InputError(f"one of {', '.join(made)}", field="NAME", value=arguments.name)
        made = {arguments.name: made[arguments.name]}
    if arguments.out is None:
        is_one = arguments.asyncapi or arguments.name is not None
        text = json.dumps(next(iter(made.values())) if is_one else made, indent=2, ensure_ascii=False)
        print(text, file=arguments.streams.out)
        return ExitStatus.DONE
    folder = given_path(arguments.out, "--out")
    check_folder(folder, "--out")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        path = folder / ("asyncapi.json" if arguments.asyncapi else f"{name}.schema.json")
        write_file(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        print(path, file=arguments.streams.out)
    return ExitStatus.DONE
