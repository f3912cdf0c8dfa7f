"""A batch made from a template, packet by packet."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from eew.fanout.fixed_width import padded
from eew.fanout.publish_template import Batch, Choice, RecordTemplate, Slot
from eew.mqtt.packet import publish_head

Published = Callable[..., list[Any]]


def template(qos: int, version: int, payload_tail: bytes = b"}") -> RecordTemplate:
    return RecordTemplate(
        [b"t/", Slot("id", 2), b"/", Slot("group", 1)],
        [b'{"id":"', Slot("id", 2), b'","n":', Slot("n", 3), payload_tail],
        qos=qos,
        version=version,
        expiry_s=7,
        user_properties=[("key", "value")],
    )


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("n_records", [0, 1, 2, 3000])
def test_each_record_is_the_packet_it_would_be_by_itself(qos: int, version: int, n_records: int) -> None:
    """A batch is its packets one behind the other, also over several blocks."""
    ids = [b"%02d" % (number % 100) for number in range(n_records)]
    numbers = [b"%3d" % (number % 1000) for number in range(n_records)]
    columns = {
        "id": padded(ids).reshape(n_records, 2),
        "n": padded(numbers).reshape(n_records, 3),
        # A column that is part of another, as a view.
        "group": padded(ids).reshape(n_records, 2)[:, 1:],
    }
    batch = template(qos, version, b" " * 300 + b"}").fill(n_records, columns)
    assert len(batch) == n_records
    for row, each_id, number in zip(batch.data, ids, numbers, strict=True):
        payload = b'{"id":"' + each_id + b'","n":' + number + b" " * 300 + b"}"
        head, id_at = publish_head(
            b"t/" + each_id + b"/" + each_id[1:],
            len(payload),
            qos=qos,
            version=version,
            expiry_s=7,
            user_properties=[("key", "value")],
        )
        assert row.tobytes() == head + payload
        assert batch.id_at == id_at


@pytest.mark.parametrize("n_records", [0, 1, 3000])
def test_a_choice_is_one_of_its_texts(n_records: int, rng: np.random.Generator) -> None:
    """By number, beside slots of the same record."""
    texts = padded([b"", b"low", b"higher"])
    made = RecordTemplate(
        [b"t/", Slot("id", 2)],
        [b'{"level":"', Choice("level", texts.shape[1], texts), b'","id":"', Slot("id", 2), b'"}'],
        qos=0,
        version=4,
    )
    number = rng.integers(0, 3, n_records).astype(np.uint8)
    ids = rng.integers(ord("a"), ord("z"), (n_records, 2)).astype(np.uint8)
    rows = made.fill(n_records, {"level": number, "id": ids}).data
    assert [row.tobytes()[-len(b'{"level":"higher","id":"xy"}') :] for row in rows] == [
        b'{"level":"' + (b"", b"low", b"higher")[each].ljust(6) + b'","id":"' + own.tobytes() + b'"}'
        for each, own in zip(number, ids, strict=True)
    ]


def test_packet_ids_stand_where_the_standard_wants_them(published: Published) -> None:
    """Big-endian behind the topic, the rest untouched."""
    columns = {"id": padded([b"aa", b"bb"]), "n": padded([b"  1", b" 22"]), "group": padded([b"g", b"h"])}
    batch = template(1, 5).fill(2, columns)
    batch.number(np.array([1, 0xFFFF], dtype=np.uint16))
    first, second = published(batch.data.tobytes(), 5)
    assert (first.topic, first.packet_id, first.payload) == ("t/aa/g", 1, b'{"id":"aa","n":  1}')
    assert (second.topic, second.packet_id, second.payload) == ("t/bb/h", 0xFFFF, b'{"id":"bb","n": 22}')
    assert first.properties == {"MessageExpiryInterval": 7, "UserProperty": [("key", "value")]}


def test_packet_ids_may_stand_at_different_places() -> None:
    """Each row has its own place."""
    batch = Batch(np.zeros((2, 6), dtype=np.uint8), np.array([1, 3]))
    batch.number(np.array([0x0102, 0x0304], dtype=np.uint16))
    assert batch.data.tolist() == [[0, 1, 2, 0, 0, 0], [0, 0, 0, 3, 4, 0]]


def test_without_packet_ids_nothing_is_written() -> None:
    """QoS 0 packets have none."""
    batch = Batch(np.zeros((2, 6), dtype=np.uint8), None)
    batch.number(np.array([1, 2], dtype=np.uint16))
    assert not batch.data.any()
