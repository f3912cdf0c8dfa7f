"""What docs/topics.md tells an integrator, worked out as they would: nothing of eew is used to check it."""

import base64
import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from eew.contract.alert_signal import signal_of
from eew.contract.schemas.channels import CHANNELS
from eew.model.region_profile import Level
from eew.model.report import ReportKind

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "topics.md").read_text(encoding="utf-8")
SIGNED = [
    (name, number)
    for name in ("device-alert", "cell-alert", "event")
    for number in range(len(json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text())["examples"]))
]


def example(name: str, number: int) -> dict[str, Any]:
    """Return an example out of a committed schema."""
    schema = json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = schema["examples"][number]
    return found


def core(alert: dict[str, Any]) -> bytes:
    """Write the twelve lines as the page says."""

    def number(name: str, n_decimals: int) -> str:
        return "" if alert[name] is None else f"{alert[name]:.{n_decimals}f}"

    words = [str(alert[name]) for name in ("event_id", "report_no", "kind", "status")]
    places = [number("lat_deg", 5), number("lon_deg", 5), number("depth_km", 3), number("magnitude", 2)]
    instants = [alert["issued_at"], alert["origin_at"] or ""]
    return "\n".join(["eew-core-v1", *words, *instants, *places, alert["expires_at"]]).encode()


def between(before: str, after: str) -> str:
    return PAGE.split(before, 1)[1].split(after, 1)[0]


def public_key() -> bytes:
    found = re.search(r"\| public key, `key_id` \| `([\w-]{43})`, `(\w{8})` \|", PAGE)
    assert found
    raw = base64.urlsafe_b64decode(found[1] + "=")
    assert hashlib.sha256(raw).hexdigest()[:8] == found[2]
    return raw


def test_the_worked_signature_holds() -> None:
    """Core, length, hash, key and signature of the page are those of the example, byte for byte."""
    alert = example("device-alert", 0)
    block = re.search(r"((?:^    .*\n)+)", between("for trying only):\n\n", "| | |"), re.MULTILINE)
    assert block
    written = "\n".join(line.removeprefix("    ") for line in block[1].splitlines()).encode()
    assert written == core(alert)
    assert f"| {len(written)} bytes, `{hashlib.sha256(written).hexdigest()}` |" in PAGE
    assert f"| signature | `{alert['signature']}` |" in PAGE
    Ed25519PublicKey.from_public_bytes(public_key()).verify(
        base64.urlsafe_b64decode(alert["signature"] + "=="), written
    )


@pytest.mark.parametrize(("name", "number"), SIGNED)
def test_every_signed_example_holds(name: str, number: int) -> None:
    """Also a cancel, whose source is null; raises if not."""
    alert = example(name, number)
    signature = base64.urlsafe_b64decode(alert["signature"] + "==")
    Ed25519PublicKey.from_public_bytes(public_key()).verify(signature, core(alert))


def test_tokyo_is_where_the_page_says() -> None:
    """The formula by hand, to the bits that it prints."""
    found = re.search(r"Tokyo, (\S+) (\S+): x = (\d+) = `(\d+)`, y = (\d+) = `(\d+)`, cell `(\d{12})`", PAGE)
    assert found
    lat, lon = math.radians(float(found[1])), float(found[2])
    x = math.floor((lon / 360 + 0.5) * 2**12)
    y = math.floor((0.5 - math.asinh(math.tan(lat)) / (2 * math.pi)) * 2**12)
    assert (found[3], found[5]) == (str(x), str(y))
    assert (found[4], found[6]) == (f"{x:012b}", f"{y:012b}")
    digits = "".join(str(int(column) + 2 * int(line)) for column, line in zip(f"{x:012b}", f"{y:012b}", strict=True))
    assert found[7] == digits
    assert f"eew/v1/alerts/cell/{'/'.join(digits)}`" in PAGE
    assert f"eew/v1/alerts/cell/{'/'.join(digits[:8])}/#`" in PAGE
    assert f"eew/v1/alerts/device/{digits[:10]}/+`" in PAGE


def test_every_topic_is_in_the_table() -> None:
    """With who may expect it to be retained, and its schema."""
    for each in CHANNELS:
        address = re.sub(r"\{q2\}.*\{q12\}", "…/{q12}", each.address.removeprefix("eew/v1/"))
        (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{address}` |"))
        assert ("yes" in line.split("|")[3]) == each.is_retained
        if each.message != "cap":
            assert f"(schemas/{each.message}.schema.json)" in line


@pytest.mark.parametrize("level", [Level.CRITICAL, Level.ACTIVE, Level.PASSIVE, None])
def test_the_table_of_levels_is_what_compact_alerts_mean(level: Level | None) -> None:
    """A device without our library finds the same signal in the page."""
    word = "passive" if level is None else level.word
    assert word != "none"
    signal = signal_of(word, ReportKind.CANCEL if level is None else ReportKind.NEW)
    beginning = "| any, in a cancel |" if level is None else f"| `{word}` |"
    (line,) = (line for line in PAGE.splitlines() if line.startswith(beginning))
    _, _, _, instruction, vibration, flash, _ = (cell.strip() for cell in line.split("|"))
    assert instruction == f"`{signal.instruction}`"
    assert vibration == (", ".join(map(str, signal.vibration_ms)) or "none")
    assert flash == ("yes" if signal.is_flashing else "no")


def test_links_lead_to_files() -> None:
    """None is dead."""
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []
