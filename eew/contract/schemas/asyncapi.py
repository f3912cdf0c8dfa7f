"""The topics and their messages as an AsyncAPI 3 document, from the subscriber's side."""

from typing import Any

from eew.contract.message import MESSAGES
from eew.contract.schemas.channels import CHANNELS, Channel
from eew.contract.schemas.prose import about
from eew.contract.schemas.schema import examples, schemas

__all__ = ["CONTRACT_VERSION", "document"]

#: Of the contract, not of the package: the first number is that in the topics, the second one grows with it.
CONTRACT_VERSION = "1.1.0"

_BINDING_VERSION = "0.2.0"
_ABOUT = """\
Alerts of an earthquake early-warning dispatch **simulator** over MQTT. This is not a warning service: nothing here may
be relied on to protect anybody.

Version 1 may only grow: members that may be absent and messages are added, nothing else changes. Readers ignore members
they do not know. What is written in words is in `topics.md`.
"""
_JSON = "application/json"
_CAP = "application/cap+xml"


def document() -> dict[str, Any]:
    """Return the whole document, ready to be printed as JSON or YAML."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "eew",
            "version": CONTRACT_VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": _JSON,
        "servers": _servers(),
        "channels": {each.name: _channel(each) for each in CHANNELS},
        "operations": {each.operation: _operation(each) for each in CHANNELS},
        "components": {"messages": _messages(), "schemas": _components()},
    }


def _servers() -> dict[str, Any]:
    host = {"default": "localhost", "description": "Where the broker is."}
    return {
        "mqtt": {
            "host": "{host}:{port}",
            "protocol": "mqtt",
            "protocolVersion": "3.1.1",
            "description": "`eew broker`; any MQTT broker will do. With MQTT 5 there are user properties, too.",
            "variables": {"host": host, "port": {"default": "1883"}},
        },
        "mqtts": {
            "host": "{host}:{port}",
            "protocol": "mqtts",
            "protocolVersion": "3.1.1",
            "description": "The same over TLS, where the broker has it.",
            "variables": {"host": host, "port": {"default": "8883"}},
        },
        "websocket": {
            "host": "{host}:{port}",
            "pathname": "/mqtt",
            "protocol": "ws",
            "description": (
                "MQTT in binary WebSocket frames, subprotocol `mqtt`: for browsers. "
                "`eew broker --websocket-port 9001`; with TLS it is `wss`."
            ),
            "variables": {"host": host, "port": {"default": "9001"}},
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    parameters = {
        name: {"description": parameter.description}
        | ({"enum": list(parameter.values)} if parameter.values else {})
        | ({"examples": list(parameter.examples)} if parameter.examples else {})
        | ({"location": f"$message.payload#/{parameter.member}"} if parameter.member else {})
        for name, parameter in channel.parameters.items()
    }
    messages = [channel.message, *(["cleared"] if channel.is_cleared else [])]
    return {
        "address": channel.address,
        "title": channel.title,
        "description": channel.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "parameters": parameters,
    }


def _operation(channel: Channel) -> dict[str, Any]:
    return {
        "action": channel.action,
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": channel.summary,
        "bindings": {
            "mqtt": {"qos": channel.qos, "retain": channel.is_retained, "bindingVersion": _BINDING_VERSION},
        },
    }


def _messages() -> dict[str, Any]:
    known = examples()
    messages: dict[str, Any] = {
        name: {
            "name": name,
            "title": message.__name__,
            "summary": about(message),
            "contentType": _JSON,
            "payload": {"$ref": f"#/components/schemas/{message.__name__}"},
            "examples": [{key: each[key] for key in ("name", "summary", "payload")} for each in known.get(name, [])],
        }
        for name, message in MESSAGES.items()
    }
    return messages | {
        "cap": {
            "name": "cap",
            "title": "Common Alerting Protocol 1.2",
            "summary": "The event as CAP 1.2 (OASIS): an XML document in UTF-8.",
            "contentType": _CAP,
            "payload": {"type": "string", "description": "Namespace `urn:oasis:names:tc:emergency:cap:1.2`."},
        },
        "cleared": {
            "name": "cleared",
            "title": "Cleared",
            "summary": "No bytes at all: what was retained here stands no more. Not JSON, so look at the length first.",
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "maxLength": 0},
        },
    }


def _components() -> dict[str, Any]:
    """Return every schema once, in the draft that AsyncAPI is built on."""
    found: dict[str, Any] = {}
    for name, schema in schemas().items():
        if name not in MESSAGES:
            continue
        top = {key: value for key, value in schema.items() if key not in {"$schema", "$id", "$defs", "examples"}}
        parts = {MESSAGES[name].__name__: top} | schema.get("$defs", {})
        for title, part in parts.items():
            found[title] = _as_draft_7(part)
    return dict(sorted(found.items()))


def _as_draft_7(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return a schema of draft 2020-12 in words of draft 7; references lead into the components."""
    if isinstance(schema, list):
        return [_as_draft_7(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        reference = {"$ref": schema["$ref"].replace("#/$defs/", "#/components/schemas/")}
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        # Before 2019 what stood beside a reference was not read.
        return {"allOf": [reference]} | beside if beside else reference
    made = {key: _as_draft_7(value) for key, value in schema.items()}
    if "prefixItems" in made:
        made["additionalItems"] = made.pop("items", True)
        made["items"] = made.pop("prefixItems")
    return made
