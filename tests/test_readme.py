"""What the README tells a newcomer to type works."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
HEADS = ("Two commands", "The road of the data", "Three ways to use it", "Figures", "Sources", "Licence")
WITHIN_S = 58


@pytest.mark.broker
@pytest.mark.parametrize("block", BLOCKS, ids=[str(i) for i in range(len(BLOCKS))])
def test_command_blocks_run(block: str, tmp_path: Path) -> None:
    """Every command of a block ends with exit code 0; what runs in the background ends with the block."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash to run the blocks with")
    with subprocess.Popen(
        [bash, "-e", "-c", block],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "XDG_DATA_HOME": str(tmp_path)},
    ) as running:
        try:
            code = running.wait(WITHIN_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGTERM)
        output, errors = running.communicate(timeout=10)
    assert code == 0, output[-2000:] + errors[-2000:]


def test_sections_stand_in_order() -> None:
    """What it is not comes before how it is used, and the licence comes last."""
    text = README.read_text(encoding="utf-8")
    at = [text.index("not a warning service"), *(text.index(f"## {head}") for head in HEADS)]
    assert at == sorted(at)
