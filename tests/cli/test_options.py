"""What a command declares it reads: an option that nobody looks at is worse than none."""

import argparse
import ast
import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from eew.bench import scale
from eew.bridges.webhook.config import EndpointConfig, WebhookConfig
from eew.cli.main import COMMANDS, main
from eew.devices.population import store
from eew.devices.population.population import make
from eew.dispatch.daemon.config import DaemonConfig, FeedConfig
from eew.dispatch.settings import NAMES
from eew.model.region_name import parse_region

PACKAGE = Path(scale.__file__).resolve().parents[1]
#: Commands whose sub-commands are modules of their own.
MODULE_OF_ACT = {"eew.cli.bench": "eew.bench.{}", "eew.cli.feed": "eew.cli.feed_{}"}
#: Where arguments and settings are looked at: commands, benches, and the run that both play.
READERS = ("eew.cli", "eew.bench", "eew.dispatch.replay")


@dataclass(frozen=True)
class Command:
    """A command or sub-command that takes options, and the module that runs it."""

    words: str
    parser: argparse.ArgumentParser
    module: str


def commands() -> Iterator[Command]:
    """Yield every command and sub-command."""
    for name in COMMANDS:
        module = f"eew.cli.{name}"
        parser = argparse.ArgumentParser(prog=name)
        importlib.import_module(module).configure(parser)
        yield from leaves(name, parser, module)


def leaves(words: str, parser: argparse.ArgumentParser, module: str) -> Iterator[Command]:
    yield Command(words, parser, module)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from leaves(f"{words} {name}", sub, MODULE_OF_ACT.get(module, module).format(name))


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield what a user may give: options and positionals, without help and sub-commands."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction | argparse._VersionAction):
            yield action


def tree_of(module: str) -> ast.Module:
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    return ast.parse(Path(found.origin).read_text(encoding="utf-8"))


def closure(module: str) -> list[ast.Module]:
    """Return the module and all readers that it imports, at the top or within functions, and so on."""
    trees: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in trees or not name.startswith(READERS):
            continue
        trees[name] = tree_of(name)
        for node in ast.walk(trees[name]):
            if isinstance(node, ast.ImportFrom) and node.module:
                inside = [f"{node.module}.{each.name}" for each in node.names]
                waiting += [node.module, *(each for each in inside if is_module(each))]
    return list(trees.values())


def is_module(name: str) -> bool:
    return name.startswith(READERS) and (PACKAGE.parent / (name.replace(".", "/") + ".py")).is_file()


def called(node: ast.expr) -> str | None:
    """Return what an expression is called: ``settings`` and ``road.settings`` alike."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def read_of(name: str, trees: list[ast.Module]) -> set[str]:
    """Return which members of something that is called so are looked at."""
    found = set()
    for node in (each for tree in trees for each in ast.walk(tree)):
        if isinstance(node, ast.Attribute) and called(node.value) == name:
            found.add(node.attr)
        if isinstance(node, ast.Call) and called(node.func) == "getattr" and called(node.args[0]) == name:
            found |= {str(each.value) for each in node.args[1:2] if isinstance(each, ast.Constant)}
    return found


def hands_all_on(trees: list[ast.Module]) -> bool:
    """Whether whatever is declared is looked up among the settings."""
    texts = (ast.unparse(node) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(text.startswith("load_settings(vars(arguments)") for text in texts)


@pytest.mark.parametrize("command", list(commands()), ids=lambda command: command.words)
def test_every_declared_option_is_read(command: Command) -> None:
    """By its own name, or as a setting: then all that is declared is handed on, and that setting is looked at."""
    trees = closure(command.module)
    read = read_of("arguments", trees)
    if hands_all_on(trees):
        read |= read_of("settings", trees) & set(NAMES)
    # Loops over names read each of them.
    read |= {"dir", "broker"} if command.words == "feed serve" else set()
    declared = {action.dest for action in options(command.parser)}
    assert declared <= read, f"eew {command.words}: nobody reads {sorted(declared - read)}"


@pytest.mark.parametrize(
    ("config", "package"),
    [
        (DaemonConfig, "dispatch/daemon"),
        (FeedConfig, "dispatch/daemon"),
        (WebhookConfig, "bridges/webhook"),
        (EndpointConfig, "bridges/webhook"),
    ],
    ids=["dispatch", "dispatch feeds", "webhook", "webhook endpoints"],
)
def test_every_key_of_a_configuration_is_read(config: type[msgspec.Struct], package: str) -> None:
    """In the package of that configuration, or in its command."""
    files = [*(PACKAGE / package).glob("*.py"), PACKAGE / "cli" / "dispatch.py", PACKAGE / "cli" / "webhook.py"]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    read = set().union(*(read_of(name, trees) for name in ("config", "given", "each", "self")))
    keys = set(config.__struct_fields__)
    assert keys <= read, f"nobody reads {sorted(keys - read)}"


#: What no setting may be. ``key`` and ``summary`` name files that a command makes.
NONSENSE = {
    "mode": "neither",
    "qos": "7",
    "payload": "none",
    "speed": "0",
    "devices": "0",
    "seed": "-1",
    "population": "/nowhere",
    "broker": "nowhere",
    "profile": "atlantis",
    "travel_times": "mars",
    "shelters": "/nowhere",
    "subscriptions": "none",
    "workers": "0",
    "connections": "0",
    "connections_per_device": "2",
    "reconnect_s": "soon",
}
#: What a command needs besides.
NEEDED = {"replay": ["false-alarm"], "swarm": ["--population", "POPULATION"]}


def settings_options() -> Iterator[tuple[str, str, str]]:
    """Yield command, option and setting for every option that is a setting."""
    for command in commands():
        if not hands_all_on(closure(command.module)):
            continue
        for action in options(command.parser):
            if action.dest in NONSENSE and action.option_strings:
                yield command.words, action.option_strings[-1], action.dest


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("devices") / "population"
    store.save(make(parse_region("35,139,100"), 50, 1), folder)
    return folder


@pytest.mark.parametrize(("words", "option", "setting"), list(settings_options()))
def test_nonsense_for_a_setting_is_refused_before_anything_starts(
    words: str,
    option: str,
    setting: str,
    population: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An option that were not read would be taken in silence, whatever it says."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    needed = [str(population) if word == "POPULATION" else word for word in NEEDED.get(words, [])]
    assert main([*words.split(), *needed, option, NONSENSE[setting]]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert NONSENSE[setting] in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "bench order --speed max",
            "eew bench order: unrecognized arguments: --speed max; did you mean --seed? (see eew bench order --help)",
        ),
        ("scenarios list now", "eew scenarios list: unrecognized arguments: now (see eew scenarios list --help)"),
        ("key new a --qos=1", "eew key new: unrecognized arguments: --qos=1 (see eew key new --help)"),
        ("watch --speed max", "eew watch: unrecognized arguments: --speed max (see eew watch --help)"),
    ],
)
def test_an_option_that_a_command_has_not_is_told_by_that_command(
    words: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its help is the one to look at."""
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert (ended.value.code, capsys.readouterr().err) == (2, f"{told}\n")
