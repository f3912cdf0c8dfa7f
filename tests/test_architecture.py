"""The house: which room may know which, and what holds of every file of ``eew``.

What is excepted stands here by name, with its reason. An exception is for what is there today: nothing new joins it.
"""

import ast
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
TESTS = PROJECT / "tests"
MOST_ROOMS = 16
MOST_LAYERS = 10
MOST_LINES = 400
#: What a stage may know besides itself; fan-out, which writes messages, also these.
BELOW_STAGES = {"model", "physics"}
BELOW_FANOUT = {"contract", "mqtt"}
STAGES = ("feed", "estimate", "decision", "shelter", "fanout")

#: Run by hand, in a checkout: they make data, and nothing imports them.
BUILD_SCRIPTS = {"eew.physics.tables.build", "eew.devices.population.places.build"}
PRINTING_ROOMS = {"cli", "bench"}

#: Files that may be longer, each with its reason.
LONG_FILES: dict[str, str] = {}

#: Stages that know more, each with its reason.
STAGE_EXCEPTIONS = {
    ("feed", "contract"): "reports come by the topics of the contract, and CAP is read as it is written",
    ("feed", "mqtt"): "one of the transports is MQTT",
}

#: Documented in the standard library although they look private.
NOT_PRIVATE = {"_asdict", "_replace", "_fields", "_exit"}

#: Class names that two modules define.
TWICE = {
    # Seen outside their module: to be renamed.
    "Clock",
    "Figures",
    # A wire format's own records, seen nowhere else.
    "_Document",
    "_Event",
    "_Head",
    "_Kind",
    "_Memory",
    "_Message",
    "_Place",
    "_Reader",
    "_Region",
    "_Span",
}

#: Folders of tests of what is not a room.
NOT_ROOMS = {"examples", "packaging", "scenarios"}
#: Packages whose tests stand one folder up: each needs few.
TESTED_ABOVE = {
    "eew.feed.formats": "a test file a format, in tests/feed",
    "eew.feed.servers": "tests/feed/test_transports.py plays them",
    "eew.feed.transports": "tests/feed/test_transports.py and test_streams.py",
    "eew.model.shipped": "tests/packaging/test_wheel.py",
}


def name_of(file: Path) -> str:
    """Return a file's name as a module."""
    parts = file.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(file): ast.parse(file.read_text("utf-8")) for file in sorted((PROJECT / "eew").rglob("*.py"))}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_public(name: str) -> bool:
    """Return whether a name is meant for other modules."""
    return not name.startswith("_")


def is_private(name: str) -> bool:
    """Return whether a name is meant for its own module only."""
    return name.startswith("_") and not name.startswith("__") and name not in NOT_PRIVATE


def exported(tree: ast.Module) -> set[str] | None:
    """Return what ``__all__`` lists, or ``None`` where there is none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            assert len(names) == len(set(names))
            return set(names)
    return None


def definitions(tree: ast.Module) -> Iterator[Function | ast.ClassDef]:
    """Yield the functions and classes at the top of a module."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef):
            yield node


def own_names(tree: ast.Module) -> set[str]:
    """Return every name that a module defines or assigns, attributes included."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def imported(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Return what a module imports of ``eew``: the name used here, to module and name there."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "eew"
        for alias in node.names
    }


def borrowed_private_names(tree: ast.Module, others: dict[str, set[str]]) -> set[str]:
    """Return the private names of other modules that a module imports, reads or overrides."""
    mine, imports = own_names(tree), imported(tree)
    borrowed = {name for _, name in imports.values() if is_private(name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in mine:
            borrowed.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            bases = [imports[base.id][0] for base in node.bases if isinstance(base, ast.Name) and base.id in imports]
            methods = {each.name for each in node.body if isinstance(each, Function) and is_private(each.name)}
            borrowed |= methods & {name for base in bases for name in others.get(base, ())}
    return borrowed


def undocumented(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield what of a module is public and says nothing of itself."""
    if not ast.get_docstring(tree):
        yield name
    for node in definitions(tree):
        if not is_public(node.name):
            continue
        if not ast.get_docstring(node):
            yield f"{name}.{node.name}"
        # The members of a protocol are described by it.
        if isinstance(node, ast.ClassDef) and not any(ast.unparse(base) == "Protocol" for base in node.bases):
            for each in node.body:
                # What is set is described where it is read.
                is_setter = isinstance(each, Function) and any(
                    ast.unparse(decorator).endswith(".setter") for decorator in each.decorator_list
                )
                if isinstance(each, Function) and is_public(each.name) and not (ast.get_docstring(each) or is_setter):
                    yield f"{name}.{node.name}.{each.name}"


def test_import_contract_holds() -> None:
    """No room knows one above it; stages do no I/O and know none of each other."""
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_layers_of_the_contract_are_few_and_whole() -> None:
    """Ten at most, each room in one of them."""
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (road,) = (each for each in contracts if each["type"] == "layers")
    rooms = {room.strip() for layer in road["layers"] for room in layer.replace("|", ":").split(":")}
    assert len(road["layers"]) <= MOST_LAYERS
    assert road["exhaustive"] is True
    assert rooms - {"__main__"} == {each.parent.name for each in (PROJECT / "eew").glob("*/__init__.py")}


def test_a_stage_knows_only_what_lies_below() -> None:
    """Records and formulas; fan-out also messages and MQTT."""
    found = {
        (stage, module.split(".")[1])
        for stage in STAGES
        for name, tree in MODULES.items()
        if name.startswith(f"eew.{stage}")
        for module, _ in imported(tree).values()
        if "." in module
    }
    allowed = {(stage, below) for stage in STAGES for below in {stage, *BELOW_STAGES}}
    allowed |= {("fanout", below) for below in BELOW_FANOUT}
    assert found - allowed - STAGE_EXCEPTIONS.keys() == set()


def test_no_loose_file_at_the_top() -> None:
    """A file stands in the room of its step."""
    assert {file.name for file in (PROJECT / "eew").glob("*.py")} == {"__init__.py", "__main__.py"}
    assert len(list((PROJECT / "eew").glob("*/__init__.py"))) <= MOST_ROOMS


def test_no_file_is_too_long() -> None:
    """A file is read at a sitting."""
    lengths = {
        str(file.relative_to(PROJECT)): len(file.read_text("utf-8").splitlines())
        for file in (PROJECT / "eew").rglob("*.py")
    }
    assert {file: n for file, n in lengths.items() if n > MOST_LINES and file not in LONG_FILES} == {}


def test_all_lists_every_public_name() -> None:
    """What a module defines for others is in its ``__all__``, and nothing that is not there."""
    wrong = {}
    for name, tree in MODULES.items():
        public = {node.name for node in definitions(tree) if is_public(node.name)}
        listed = exported(tree)
        if listed is None:
            if public and name not in BUILD_SCRIPTS:
                wrong[name] = public
            continue
        there = own_names(tree) | {alias.asname or alias.name for alias in imports_of(tree)}
        if name == "eew":
            there.add("__version__")  # read when it is asked for
        if difference := (public - listed) | (listed - there):
            wrong[name] = difference
    assert wrong == {}


def imports_of(tree: ast.Module) -> Iterator[ast.alias]:
    """Yield every name that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from node.names


def test_every_module_and_public_function_is_documented() -> None:
    """Also where ``__all__`` does not list it."""
    assert [each for name, tree in MODULES.items() for each in undocumented(name, tree)] == []


def test_only_commands_and_benches_print() -> None:
    """Everything else returns what is to be said, or writes to the stream that it is handed."""
    printing = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    }
    assert {name for name in printing - BUILD_SCRIPTS if name.split(".")[1] not in PRINTING_ROOMS} == set()


def test_no_private_name_is_used_by_another_module() -> None:
    """Imported, read from an object, inherited or overridden."""
    others = {name: own_names(tree) for name, tree in MODULES.items()}
    borrowed = {name: borrowed_private_names(tree, others) for name, tree in MODULES.items()}
    assert {name: names for name, names in borrowed.items() if names} == {}


def test_a_class_name_means_one_thing() -> None:
    """Classes within classes and functions excepted."""
    where = defaultdict(list)
    for name, tree in MODULES.items():
        for node in definitions(tree):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(name)
    assert {name: modules for name, modules in where.items() if len(modules) > 1 and name not in TWICE} == {}


def test_tests_mirror_the_rooms() -> None:
    """The tests of a package stand in the folder of its name."""
    packages = {name for name in MODULES if (PROJECT / name.replace(".", "/") / "__init__.py").is_file()}
    folders = {file.parent.relative_to(TESTS) for file in TESTS.rglob("test_*.py")} - {Path()}
    mirrored = {".".join(("eew", *folder.parts)) for folder in folders if folder.parts[0] not in NOT_ROOMS}
    assert mirrored - packages == set()
    # Rooms with more packages below them need no tests of their own.
    untested = packages - mirrored - TESTED_ABOVE.keys() - {"eew"}
    assert {name for name in untested if not any(each.startswith(f"{name}.") for each in mirrored)} == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from eew.bench.load import _packets", {"_packets"}),
        ("def f(thing):\n    return thing._inside", {"_inside"}),
        ("from eew.base import Base\nclass Mine(Base):\n    def _step(self):\n        pass", {"_step"}),
        (
            "class Mine:\n    def __init__(self):\n        self._own = 1\n    def f(self):\n        return self._own",
            set(),
        ),
        ("def f(row):\n    return row._asdict()", set()),
    ],
    ids=["imported", "read", "overridden", "its own", "of a named tuple"],
)
def test_guard_of_private_names_sees_each_way(source: str, expected: set[str]) -> None:
    """A guard that sees nothing guards nothing."""
    assert borrowed_private_names(ast.parse(source), {"eew.base": {"_step"}}) == expected
