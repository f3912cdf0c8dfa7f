"""All that the real code says in the shipped scenarios is what the schemas say, today's and the last release's."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eew.contract.card.card import all_cards
from eew.contract.message import MESSAGES, AlertCore, InfoCard, Status, payload_of
from eew.contract.schemas.channels import CHANNELS
from eew.contract.schemas.schema import schemas
from eew.contract.signature import Verifier, core_of
from eew.model.records import Devices

HERE = Path(__file__).resolve().parent
SCENARIOS = sorted(path.stem for path in (HERE.parents[2] / "scenarios").glob("*.toml"))
RELEASED = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((HERE / "v1" / "0.1.0").iterdir())
}
#: Enough to have every level, and devices without any.
N_DEVICES = 24

SchemaErrors = Callable[[dict[str, Any], object], list[str]]
Shape = tuple[object, ...]


def shape(value: object) -> Shape:
    """Return what a validator tells messages apart by: members, types, and the words of the contract."""
    if isinstance(value, dict):
        words = ("kind", "status", "level", "instruction", "state", "is_flashing")
        return (*((name, shape(each), each if name in words else None) for name, each in value.items()),)
    if isinstance(value, list):
        return (len(value) > 3, *sorted({shape(each) for each in value}, key=repr))
    return (type(value).__name__,)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_message_of_a_scenario_is_valid(
    name: str,
    play: Callable[..., Any],
    scenario: Callable[[str], Any],
    scenario_devices: Callable[[Any, int], Devices],
    schema_errors: SchemaErrors,
    record_property: Callable[[str, object], None],
) -> None:
    """Both modes, both payloads: each message is decoded, each of a shape validated, and old readers take it, too."""
    now = schemas()
    loaded = scenario(name)
    devices = scenario_devices(loaded, N_DEVICES)
    n_sent: Counter[str] = Counter()
    seen: set[tuple[str, Shape]] = set()
    for mode in ("device", "cell"):
        for payload in ("full", "compact"):
            async for sent in play(loaded, devices, mode, payload):
                n_sent[sent.name] += 1
                msgspec.json.decode(sent.payload, type=MESSAGES[sent.name], strict=True)
                message = json.loads(sent.payload)
                if (sent.name, shape(message)) in seen:
                    continue
                seen.add((sent.name, shape(message)))
                assert schema_errors(now[sent.name], message) == []
                if sent.name in RELEASED:
                    assert schema_errors(RELEASED[sent.name], message) == []
    for kind in ("report", "device-alert", "cell-alert", "event", "status", "receipt"):
        assert n_sent[kind], kind
    assert {kind for kind, _ in seen} == set(n_sent)
    record_property("messages", dict(n_sent))
    record_property("shapes", len(seen))


@pytest.mark.parametrize("card", all_cards(), ids=lambda card: f"{card.region}/{card.lang}")
def test_every_help_card_is_valid(card: InfoCard, schema_errors: SchemaErrors) -> None:
    """As it is published, in each language."""
    assert schema_errors(schemas()["info"], json.loads(payload_of(card))) == []


@pytest.mark.parametrize("mode", ["device", "cell"])
async def test_messages_travel_on_the_topics_of_the_contract(
    mode: str, play: Callable[..., Any], scenario: Callable[[str], Any], towns: Devices
) -> None:
    """Each topic is one that its channel's address gives, with the words that the payload has."""
    by_message = {each.message: each for each in CHANNELS}
    n_checked = 0
    async for sent in play(scenario("false-alarm"), towns, mode, "full"):
        channel, message = by_message[sent.name], json.loads(sent.payload)
        words, given = channel.address.split("/"), sent.topic.split("/")
        assert len(words) == len(given)
        for word, value in zip(words, given, strict=True):
            if not word.startswith("{"):
                assert word == value
                continue
            parameter = channel.parameters[word[1:-1]]
            assert not parameter.values or value in parameter.values
            assert parameter.member is None or message[parameter.member] == value
        n_checked += 1
    assert n_checked > 10


async def test_a_signed_message_verifies_as_it_came(
    play: Callable[..., Any], scenario: Callable[[str], Any], towns: Devices
) -> None:
    """From the payload's own bytes, with the key that the status names."""
    keys: dict[str, bytes] = {}
    n_signed = 0
    async for sent in play(scenario("false-alarm"), towns, "device", "full"):
        if sent.name == "status":
            status = msgspec.json.decode(sent.payload, type=Status)
            keys |= {name: base64.urlsafe_b64decode(key + "=") for name, key in status.keys.items()}
        elif sent.name in {"device-alert", "event"}:
            message = msgspec.json.decode(sent.payload, type=AlertCore)
            assert Verifier(keys).verify(message.key_id, core_of(message), message.signature)
            n_signed += 1
    assert n_signed > 3
