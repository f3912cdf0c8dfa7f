"""Receives webhooks of eew and believes only what is signed: ``webhook_receiver.py SECRET-FILE [PORT]``."""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SECRET = base64.b64decode(Path(sys.argv[1]).read_text(encoding="ascii").split()[0].removeprefix("whsec_"))
seen: dict[str, None] = {}  # what was told already, the last thousand: every webhook may come more than once


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is signed and 401 to anything else."""

    def do_POST(self) -> None:
        """Verify, then act."""
        body = self.rfile.read(min(max(int(self.headers.get("content-length", 0)), 0), 1_000_000))
        name, sent = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        own = hmac.digest(SECRET, f"{name}.{sent}.".encode() + body, hashlib.sha256)
        given = self.headers.get("webhook-signature", "").split(" ")
        is_signed = any(hmac.compare_digest(b"v1," + base64.b64encode(own), each.encode()) for each in given)
        is_recent = sent.isdigit() and abs(time.time() - int(sent)) < 300
        if is_signed and is_recent and name not in seen:
            seen[name] = None
            if len(seen) > 1000:
                del seen[next(iter(seen))]
            event = json.loads(body)
            # Act on eew.event.* only: eew.exercise.* and eew.test.* are no earthquakes, *.cancel says it was none.
            print(event["type"], event["data"]["event_id"], event["data"]["magnitude"], flush=True)
        self.send_response(204 if is_signed and is_recent else 401)
        self.end_headers()


HTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 8085), Receiver).serve_forever()
