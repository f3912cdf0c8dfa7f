"""What the documentation tells a reader to type works, and its pages hang together.

A page is played from top to bottom in one folder, as its reader would, so what one block makes the next one finds;
``examples`` and ``scenarios`` are in it as in a checkout.
``sh`` and ``console`` blocks run under ``bash -e -o pipefail`` with this environment's programs first on the path.
``toml``, ``json``, ``yaml``, ``python`` and ``js`` blocks are parsed. A comment before a block says what else is to be
known of it, and is not seen by readers:

    <!-- test: background ready="is ready" -->   it runs until the page ends, then Ctrl-C; wait for this first
    <!-- test: until="listening" -->             it runs for ever: Ctrl-C when it says this
    <!-- test: shows="not magnitud" -->          it says this (background: before the page ends)
    <!-- test: exit=2 -->                        it ends with this code
    <!-- test: needs=jq,openssl -->              it is left out where one of these is absent: programs, a/file
    <!-- test: file=my.toml -->                  the reader has saved it under this name
    <!-- test: skip="needs root" -->             it is not run, for this reason
    <!-- test: background ready="is ready"       a block that readers do not see:
    eew broker --port 18830                      what the page takes for granted
    -->

Ports as a reader types them (``PORTS``) are replaced by free ones, the same within a page, so that pages can be played
at the same time.
"""

import argparse
import ast
import contextlib
import html.parser
import importlib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from eew.cli.main import COMMANDS
from eew.feed.scenario import parse_scenario
from eew.feed.wire_format import FORMATS
from eew.model.errors import ScenarioError

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
PAGES = [PROJECT / "README.md", *sorted(DOCS.rglob("*.md"))]
PORTS = re.compile(r"(?<![\d.])(1883|4222|6222|8083|8222|8883|9001|9464|188\d\d)(?![\d.])")
WORDS = {"background", "exit", "file", "needs", "ready", "shows", "skip", "until"}
SHELL = {"sh", "console"}
#: Parsed, or for the eyes only.
OTHER = {"toml", "json", "yaml", "python", "js", "text", "xml", "ini", "", "{toctree}"}
#: How many blocks may be left unrun.
MOST_UNRUN = 12
WITHIN_S = 90.0
_COMMENT = re.compile(r"\s*<!-- test:(.*)")
_FENCE = re.compile(r"(\s*)```+([\w{}-]*)\s*$")


def page_name(page: Path) -> str:
    """Return a page's path from the top, without its ending."""
    return str(page.relative_to(PROJECT).with_suffix(""))


@dataclass(frozen=True)
class Block:
    """A fenced block, where it stands, and what is to be known of it."""

    page: Path
    line: int
    language: str
    text: str
    known: dict[str, str]

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.line}"

    @property
    def commands(self) -> str:
        if self.language != "console":
            return self.text
        return "\n".join(line[2:] for line in self.text.splitlines() if line.startswith("$ ")) + "\n"


def blocks_of(page: Path) -> Iterator[Block]:
    """Read the blocks of a page, those too that only the tests see."""
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    known: dict[str, str] = {}
    for number, line in lines:
        if comment := _COMMENT.match(line):
            known = _known(comment[1].removesuffix("-->"))
            if not line.endswith("-->"):
                body = list(_until(lines, "-->"))
                yield Block(page, number, "sh", "\n".join(body) + "\n", known)
                known = {}
        elif fence := _FENCE.match(line):
            body = list(_until(lines, "```"))
            yield Block(page, number, fence[2], textwrap.dedent("\n".join(body)) + "\n", known)
            known = {}
        elif line.strip():
            assert not known, f"{page}:{number}: a test comment without a block after it"


def _until(lines: Iterator[tuple[int, str]], end: str) -> Iterator[str]:
    for _, line in lines:
        if line.strip() == end:
            return
        yield line
    raise AssertionError(f"no {end} ends the block")


def _known(text: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in shlex.split(text))
    known = {name: value for name, _, value in pairs}
    assert set(known) <= WORDS, f"{sorted(set(known) - WORDS)}: one of {sorted(WORDS)}"
    return known


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


class Running:
    """A block's process group, and what it has said so far."""

    def __init__(self, block: Block, commands: str, folder: Path) -> None:
        self.block = block
        self._said = ""
        self._is_over = False
        self._news = threading.Condition()
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("no bash to run the blocks with")
        self.process = subprocess.Popen(
            [bash, "-e", "-o", "pipefail", "-c", commands],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
                "XDG_DATA_HOME": str(folder / ".data"),
                "PYTHONUNBUFFERED": "1",
            },
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with self._news:
                    self._said += line
                    self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def says(self, pattern: str, within_s: float = WITHIN_S) -> None:
        """Wait until it has said something; fail if it does not."""
        with self._news:
            self._news.wait_for(
                lambda: re.search(pattern, self._said) or self._is_over,
                within_s if self.process.poll() is None else 2.0,
            )
            assert re.search(pattern, self._said), f"{self.block.place} does not say {pattern!r}:\n{self._said}"

    def ends(self, *codes: int) -> None:
        """Wait until it has ended, with one of these codes."""
        try:
            code = self.process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            code = None
        if code not in codes:
            self.end_all()
            self._reader.join(2)
        assert code in codes, f"{self.block.place} ends with {code}, not with {codes}:\n{self._said[-4000:]}"

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)

    def end_all(self) -> None:
        """Leave nothing of it running."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self.process.pid, number)
                self.process.wait(10)
                if number == signal.SIGTERM:
                    self._reader.join(10)


@dataclass
class Reader:
    """Somebody who does what a page says, in a folder of their own."""

    folder: Path
    ports: dict[str, str] = field(default_factory=dict)
    background: list[Running] = field(default_factory=list)
    started: list[Running] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def play(self, block: Block) -> None:
        """Do what one block says."""
        known = block.known
        absent = [tool for tool in known.get("needs", "").split(",") if tool and not _is_installed(tool)]
        if absent:
            self.left_out.append(f"{block.place}: {', '.join(absent)} not installed")
        elif "file" in known:
            path = self.folder / known["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.with_free_ports(block.text), encoding="utf-8")
        elif block.language in SHELL and "skip" not in known:
            self._run(block)

    def _run(self, block: Block) -> None:
        known = {name: self.with_free_ports(value) for name, value in block.known.items()}
        running = Running(block, self.with_free_ports(block.commands), self.folder)
        self.started.append(running)
        if "background" in known:
            self.background.append(running)
            running.says(known.get("ready", ""))
            return
        if "until" in known:
            running.says(known["until"])
            running.interrupt()
            running.ends(0, 130, -signal.SIGINT)
        else:
            running.ends(int(known.get("exit", "0")))
        running.says(known.get("shows", ""))

    def leave(self) -> None:
        """Press Ctrl-C in every terminal, the last one opened first, and see that all have ended well."""
        for running in reversed(self.background):
            running.says(self.with_free_ports(running.block.known.get("shows", "")))
            running.interrupt()
            running.ends(0, 130, -signal.SIGINT)

    def with_free_ports(self, text: str) -> str:
        """Replace the ports as typed by the free ones of this reader."""
        return PORTS.sub(lambda match: self.ports.setdefault(match[0], _free_port()), text)


def _is_installed(tool: str) -> bool:
    if "/" in tool:
        return (PROJECT / tool).exists()
    return shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin") is not None


def _free_port() -> str:
    # Below those that the system gives to outgoing connections, of which devices make many.
    for _ in range(100):
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return str(port)
    raise AssertionError("no free port")


def _has_work(page: Path) -> bool:
    return any(block.page == page and block.language in SHELL for block in BLOCKS)


@pytest.mark.broker
@pytest.mark.long(180, reason="all commands of a page, with brokers and devices, one after the other")
@pytest.mark.parametrize("page", [each for each in PAGES if _has_work(each)], ids=page_name)
def test_every_command_of_a_page_works(page: Path, tmp_path: Path) -> None:
    """Whoever types what stands there, from top to bottom, gets what the page promises."""
    for name in ("examples", "scenarios"):
        (tmp_path / name).symlink_to(PROJECT / name)
    reader = Reader(tmp_path)
    try:
        for block in BLOCKS:
            if block.page == page:
                reader.play(block)
        reader.leave()
    finally:
        for running in reversed(reader.started):
            running.end_all()
    if reader.left_out:
        pytest.skip("all else ran; left out: " + "; ".join(reader.left_out))


def _refused() -> Iterator[tuple[str, str, str]]:
    """Read field, where it stands and the example that is refused from the tables of the scenario page."""
    for row in re.findall(r"^\| .*$", (DOCS / "scenarios.md").read_text(encoding="utf-8"), flags=re.MULTILINE):
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        example = re.fullmatch(r"`([^`]+)`", cells[-1])
        name = re.match(r"`([a-z_]+)`", cells[0])
        if example and name:
            key, _, value = example[1].rpartition(" = ")
            where = "population" if "circle" in row else "reports" if "●" in row else "event" if len(cells) == 5 else ""
            yield key or name[1], where, value


@pytest.mark.parametrize(("key", "table", "value"), list(_refused()))
def test_what_the_scenario_page_calls_wrong_is_refused(key: str, table: str, value: str) -> None:
    """Each example beside a field is refused, and the error names that field."""
    small = next(block for block in BLOCKS if block.known.get("file") == "my-quake.toml").text
    without = re.sub(rf"^{key} = .*\n", "", small, flags=re.MULTILINE)
    head = {"": "", "reports": "[[reports]]\n"}.get(table, f"[{table}]\n")
    wrong = without.replace(head, f"{head}{key} = {value}\n", 1)
    parse_scenario(small.encode(), "my-quake.toml")
    with pytest.raises(ScenarioError) as error:
        parse_scenario(wrong.encode(), "my-quake.toml")
    assert key in str(error.value)


def _yaml(text: str) -> object:
    return pytest.importorskip("yaml").safe_load(text)


def _js(text: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    subprocess.run([node, "--check", "-"], input=text, text=True, check=True, capture_output=True)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "toml": tomllib.loads,
    "json": json.loads,
    "yaml": _yaml,
    "python": ast.parse,
    "js": _js,
}


@pytest.mark.parametrize(
    "block", [each for each in BLOCKS if each.language in _PARSERS], ids=lambda block: block.place.replace("/", "-")
)
def test_snippets_can_be_read(block: Block) -> None:
    """What is shown as TOML, JSON, YAML, Python or JavaScript is that."""
    _PARSERS[block.language](block.text)


def test_no_block_escapes_the_tests(record_property: Callable[[str, object], None]) -> None:
    """A block is run, parsed, plain text, or left unrun for a reason that is listed here; these are few."""
    odd = [block.place for block in BLOCKS if block.language not in SHELL | OTHER]
    assert odd == []
    unrun = [f"{block.place}: {block.known['skip']}" for block in BLOCKS if "skip" in block.known]
    record_property("table: blocks of the documentation that are not run", "\n".join(unrun))
    assert all(line.split(": ", 1)[1] for line in unrun)
    assert len(unrun) <= MOST_UNRUN


def test_no_command_hides_from_the_tests() -> None:
    """A command stands in a fenced block: an indented one would not be run."""
    word = re.compile(r"^ {4,}\$? ?(eew|make|mosquitto_\w+|node|npm|pip|python|curl|openssl) ", flags=re.MULTILINE)
    hidden = []
    for page in PAGES:
        text = re.sub(r"```.*?```|<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        hidden += [f"{page.name}: {match[0].strip()}" for match in word.finditer(text)]
    # A line within a numbered list, about the reader's own broker.
    assert [each for each in hidden if not each.startswith("home-assistant.md")] == []


def test_every_page_is_in_the_contents() -> None:
    """Each page can be found from the front page, and the contents name no page that is missing."""
    contents = re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text(), flags=re.DOTALL)
    named = [line for part in contents for line in part.splitlines() if line and not line.startswith(":")]
    pages = [str(page.relative_to(DOCS).with_suffix("")) for page in PAGES if DOCS in page.parents]
    assert sorted([*named, "index"]) == sorted(pages)


def test_the_architecture_page_names_what_is_there() -> None:
    """A file that moves takes its line with it, and every room has one."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(eew/[^`]+)`", text))
    assert len(named) >= 30
    assert {path for path in named if not (PROJECT / path).exists()} == set()
    rooms = {each.parent.name for each in (PROJECT / "eew").glob("*/__init__.py")}
    assert {room for room in rooms if f"{room}/ " not in text} == set()


@pytest.mark.parametrize("page", [*PAGES, PROJECT / "CONTRIBUTING.md"], ids=page_name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there, and a heading it has."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and anchor not in _anchors(other)):
            broken.append(target)
    assert broken == []


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ +(.+?)\s*$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Assets(html.parser.HTMLParser):
    """What a browser would load with a page, without being asked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag loads."""
        given = dict(attrs)
        names = ["href"] if tag == "link" and given.get("rel") != "canonical" else ["src", "srcset", "data", "poster"]
        if tag != "a":
            self.urls += [url for name in names if (url := given.get(name))]


def test_the_site_builds_and_needs_no_other_host(tmp_path: Path) -> None:
    """It is built without a warning, says on every page what it is not, and loads nothing from elsewhere."""
    pytest.importorskip("sphinx", reason="the site's generator is not installed (make setup-dev)")
    site = tmp_path / "site"
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", DOCS, site],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert (site / "searchindex.js").is_file()
    remote = re.compile(r"(https?:)?//")
    for page in (each for each in site.rglob("*.html") if "_static" not in each.parts):
        text = page.read_text(encoding="utf-8")
        assert "this is not a warning service" in text, page.name
        assert [url for url in Assets(text).urls if remote.match(url)] == [], page.name
    for sheet in site.rglob("*.css"):
        loaded = re.findall(r"(?:@import\s*|url\()\s*['\"]?([^'\")\s]+)", sheet.read_text(encoding="utf-8"))
        assert [url for url in loaded if remote.match(url)] == [], sheet.name


def test_what_is_said_to_the_tests_is_understood(tmp_path: Path) -> None:
    """Comments before a block are read with it, hidden blocks are run, ports stay the same within a page."""
    page = PROJECT / "build" / "page.md"
    hidden = '<!-- test: background ready="is ready"\neew broker --port 18830\n-->\n'
    text = f"{hidden}\n<!-- test: exit=2 -->\n```sh\neew\n```\n"
    blocks = _blocks_of_text(text, page, tmp_path)
    assert [(block.text, block.known) for block in blocks] == [
        ("eew broker --port 18830\n", {"background": "", "ready": "is ready"}),
        ("eew\n", {"exit": "2"}),
    ]
    reader = Reader(tmp_path)
    first = reader.with_free_ports("mqtt://127.0.0.1:18830 18831 118830 1.1883")
    assert "18830 " not in first.replace("118830 ", "")
    assert first.endswith(" 118830 1.1883")
    assert reader.with_free_ports("18830") == first.split()[0].rpartition(":")[2]


def _blocks_of_text(text: str, page: Path, folder: Path) -> list[Block]:
    path = folder / page.name
    path.write_text(text)
    return list(blocks_of(path))


def test_commands_in_running_text_exist() -> None:
    """What is not run as a block, such as a command within a sentence or a list, at least names what there is."""
    known = {name: _options_of(name) for name in COMMANDS}
    wrong = []
    for page in PAGES:
        for command in re.findall(r"(?:`|^ +)eew ([^`\n#]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            name = command.split()[0]
            options = set(re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", command))
            if name.isalpha() and (name not in known or not options <= known[name]):
                wrong.append(f"{page.name}: eew {command}")
    assert not wrong


def _options_of(command: str) -> set[str]:
    """Return the options of a command and of its own commands."""
    parser = argparse.ArgumentParser()
    importlib.import_module(f"eew.cli.{command}").configure(parser)
    options, parsers = set[str](), [parser]
    while parsers:
        for action in parsers.pop()._actions:
            options.update(action.option_strings)
            if isinstance(action.choices, dict):
                parsers += action.choices.values()
    return options


def test_every_format_of_feeds_has_its_row() -> None:
    """Whoever adds a format says on the page of feeds what it is."""
    rows = [line for line in (DOCS / "feeds.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])}
    assert FORMATS.keys() <= named
