"""The words of a command line: whole names, what was likely meant, help, completion, streams that are handed in."""

import io
import json
import shutil
import subprocess
import sys

import pytest

from eew.cli.main import COMMANDS, main
from eew.cli.streams import Streams

BASH = shutil.which("bash")


def ran(line: str) -> tuple[int, str, str]:
    """Run a command in this process with streams of its own; return exit code, output and errors."""
    streams = Streams(io.StringIO(), io.StringIO())
    try:
        code = main(line.split(), streams)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert isinstance(streams.out, io.StringIO)
    assert isinstance(streams.err, io.StringIO)
    return code, streams.out.getvalue(), streams.err.getvalue()


@pytest.mark.parametrize(
    ("line", "command", "meant"),
    [
        ("shcema", "eew", "schema"),
        ("scenarios chek", "eew scenarios", "check"),
        ("schema --asyncap", "eew schema", "--asyncapi"),
        ("help repaly", "eew", "replay"),
        ("bench order --rate=3", "eew bench order", "--rates"),
        ("predict --mag 5 --depth-km 10 --distance-km 50", "eew predict", "--magnitude"),
        ("cap --brokr mqtt://127.0.0.1 --event a", "eew cap", "--broker"),
    ],
)
def test_a_mistyped_word_is_told_with_what_was_likely_meant(line: str, command: str, meant: str) -> None:
    """In one line, by the command that does not know it."""
    code, out, err = ran(line)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"{command}: ")
    assert err.endswith(f"; did you mean {meant}? (see {command} --help)\n")


@pytest.mark.parametrize("line", ["zzzz", "schema --zzzz", "predict"])
def test_nothing_is_guessed_where_nothing_is_likely(line: str) -> None:
    """A wrong guess is worse than none."""
    code, _, err = ran(line)
    assert code == 2
    assert "did you mean" not in err


@pytest.mark.parametrize("line", ["schema --async", "scenarios show drill --js", "predict --dep 10 --magnitude 5"])
def test_an_option_cut_short_is_not_taken_for_it(line: str) -> None:
    """A script with half a name would break, or do something else, when an option is added."""
    assert ran(line)[0] == 2


@pytest.mark.parametrize("line", ["", "schema", "bench order", "feed listen"])
def test_help_is_the_same_as_the_option(line: str) -> None:
    """Of all, of a command, and of one of its own."""
    code, out, err = ran(f"help {line}")
    assert (code, err) == (0, "")
    assert out == ran(f"{line} --help")[1]
    assert out.startswith(f"usage: eew {line}".rstrip())


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("schema event", '"event_id"'),
        ("scenarios list", "false-alarm"),
        ("scenarios show false-alarm", "TEST False alarm"),
        ("scenarios check false-alarm", "ok, "),
        ("predict --magnitude 6 --depth-km 10 --distance-km 50", "not a warning service"),
        ("--version", "eew "),
    ],
)
def test_commands_speak_to_the_streams_that_they_are_given(
    line: str, found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing comes out of the process's own."""
    code, out, err = ran(line)
    assert (code, err) == (0, "")
    assert found in out
    assert capsys.readouterr() == ("", "")


def test_faults_go_to_the_stream_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input of a command, and the faults of what is checked."""
    assert ran("schema nothing")[::2] == (2, ran("schema nothing")[2])
    assert ran("schema nothing")[2].startswith("eew schema: NAME: 'nothing': expected one of ")
    code, out, err = ran("scenarios check nowhere.toml false-alarm")
    assert (code, "ok, " in out, err.splitlines()[-1]) == (
        2, True, "eew scenarios: 1 of 2 are not usable, faults: 1",
    )  # fmt: skip
    assert capsys.readouterr() == ("", "")


def test_json_is_whole_in_a_stream_that_is_handed_in() -> None:
    """As a program that calls ``main`` would read it."""
    _, out, _ = ran("predict --magnitude 6 --depth-km 10 --distance-km 50 --json")
    assert len(json.loads(out)["places"]) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_is_told_every_command(shell: str) -> None:
    """The script names all of them."""
    code, script, err = ran(f"completion {shell}")
    assert (code, err) == (0, "")
    assert [name for name in COMMANDS if name not in script] == []


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "completed"),
    [("eew sce", {"scenarios"}), ("eew schema --as", {"--asyncapi"}), ("eew feed li", {"listen"})],
)
def test_bash_completes_commands_and_options(words: str, completed: set[str]) -> None:
    """As it does when Tab is pressed: it asks the function of the script."""
    cut = words.split()
    script = f"""
eval "$({sys.executable} -m eew completion bash)"
COMP_WORDS=({" ".join(cut)}); COMP_CWORD={len(cut) - 1}; COMP_LINE="{words}"; COMP_POINT={len(words)}
_shtab_eew; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run([str(BASH), "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) == completed, done.stderr
