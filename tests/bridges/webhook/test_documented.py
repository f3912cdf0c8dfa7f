"""What docs/webhooks.md tells receivers to do works on what is sent."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks

from eew.bridges.webhook.sender import headers_of
from eew.bridges.webhook.webhook_event import WebhookEvent, webhook_event_of
from eew.contract.message import EventMessage, payload_of

SECRET = "whsec_" + "c2VjcmV0" * 4
RAW = b"secret" * 4


@pytest.fixture
def sent(event: Callable[..., EventMessage]) -> WebhookEvent:
    """Return what is sent of a signed report."""
    return webhook_event_of(event(), payload_of(event()), 0)


def snippet(project: Path, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (project / "docs" / "webhooks.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def changed(headers: dict[str, str], body: str) -> list[tuple[dict[str, str], str]]:
    """Return the same with something wrong in it."""
    other = headers | {"webhook-signature": headers["webhook-signature"].replace("v1,", "v2,")}
    return [(headers | {"webhook-id": "ev-2"}, body), (headers, body.replace("7.0", "7.1")), (other, body)]


def test_the_python_of_the_page_accepts_what_is_signed_and_nothing_else(project: Path, sent: WebhookEvent) -> None:
    """With the library of Standard Webhooks, whose five minutes are those of now."""
    names: dict[str, Any] = {}
    exec(snippet(project, "python"), names)  # noqa: S102 - our own page
    verified = names["verified"]
    headers = headers_of(sent, (b"n" * 24, RAW), datetime.now(UTC))
    assert verified(SECRET, headers, sent.body.encode()) == json.loads(sent.body)
    old = headers_of(sent, (RAW,), datetime.now(UTC) - timedelta(minutes=6))
    for its, body in [*changed(headers, sent.body), (old, sent.body)]:
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            verified(SECRET, its, body.encode())


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_node_of_the_page_accepts_what_is_signed_and_nothing_else(project: Path, sent: WebhookEvent) -> None:
    """Run by Node itself, on the same attempts."""
    headers = headers_of(sent, (b"n" * 24, RAW), datetime.now(UTC))
    old = headers_of(sent, (RAW,), datetime.now(UTC) - timedelta(minutes=6))
    attempts = [(headers, sent.body), *changed(headers, sent.body), (old, sent.body)]
    calls = """
    for (const [headers, body] of JSON.parse(require("node:fs").readFileSync(0, "utf8"))) {
      try { console.log(verified(process.env.SECRET, headers, Buffer.from(body)).type); }
      catch (error) { console.log(error.message); }
    }"""
    said = subprocess.run(
        ["node", "-e", snippet(project, "js") + calls],  # noqa: S607 - whichever Node is there
        input=json.dumps(attempts),
        env=os.environ | {"SECRET": SECRET},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.splitlines()
    assert said == ["eew.event.new", *["not signed with this secret"] * 3, "too old or too new"]


def test_the_page_names_every_key_of_the_configuration(project: Path) -> None:
    """A key that is added is documented."""
    from eew.bridges.webhook.config import EndpointConfig, WebhookConfig

    page = (project / "docs" / "webhooks.md").read_text("utf-8")
    keys = {*WebhookConfig.__struct_fields__, *EndpointConfig.__struct_fields__}
    assert {key for key in keys if f"`{key}`" not in page and f"[[{key}]]" not in page} == set()


def test_the_timestamp_is_whole_seconds_of_the_attempt(sent: WebhookEvent) -> None:
    """Not of the report: receivers refuse what is five minutes old."""
    before_s = int(time.time())
    sent_s = int(headers_of(sent, (RAW,), datetime.now(UTC))["webhook-timestamp"])
    assert before_s <= sent_s <= time.time()
