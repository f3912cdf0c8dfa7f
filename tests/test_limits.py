"""No test may take longer than 20 s unless it says why."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def marks(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield every use of a mark, and where it stands."""
    for file in sorted(TESTS.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if f"mark.{name}(" in text else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"pytest.mark.{name}":
                yield f"{file.relative_to(TESTS)}:{node.lineno}", node


def test_the_limit_is_20_s(project: Path) -> None:
    """As the conventions say."""
    assert tomllib.loads((project / "pyproject.toml").read_text())["tool"]["pytest"]["timeout"] == "20"


def test_every_exception_says_why() -> None:
    """A limit of its own is given by ``long``, with a reason."""
    unreasoned = [place for place, _ in marks("timeout") if not place.startswith("conftest.py")]
    for place, call in marks("long"):
        reason = {each.arg: each.value for each in call.keywords}.get("reason")
        if not (isinstance(reason, ast.Constant) and str(reason.value).strip()):
            unreasoned.append(place)
    assert unreasoned == [], "long(limit_s, reason=…) instead"
