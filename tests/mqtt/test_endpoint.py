"""Addresses of brokers."""

import pytest

from eew.model.errors import InputError
from eew.mqtt.endpoint import Endpoint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mqtt://localhost", Endpoint("localhost", 1883)),
        ("mqtt://localhost/", Endpoint("localhost", 1883)),
        (" mqtt://127.0.0.1:18830 ", Endpoint("127.0.0.1", 18830)),
        ("mqtts://broker.example", Endpoint("broker.example", 8883, is_tls=True)),
        ("mqtts://broker.example:443", Endpoint("broker.example", 443, is_tls=True)),
        ("mqtt://ada:p%40ss@h:1", Endpoint("h", 1, "ada", "p@ss")),
        ("mqtt://ada@h", Endpoint("h", 1883, "ada")),
        ("mqtt://[::1]:1884", Endpoint("::1", 1884)),
    ],
)
def test_an_address_is_read(text: str, expected: Endpoint) -> None:
    """Each part ends up where it belongs, with the scheme's port where none is given."""
    assert Endpoint.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "localhost:1883",
        "http://localhost",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://h:0",
        "mqtt://h:70000",
        "mqtt://h:port",
        "mqtt://h/topic",
        "mqtt://h?x=1",
        "mqtt://h#x",
        "mqtt://a b",
        "mqtt://[::1",
    ],
)
def test_anything_else_is_refused_with_the_form_expected(text: str) -> None:
    """The error names the option, the value and the form."""
    with pytest.raises(InputError) as caught:
        Endpoint.parse(text)
    assert caught.value.field == "--broker"
    assert caught.value.value == text
    assert "mqtt://" in caught.value.expected
    assert caught.value.exit_code == 2


def test_the_password_is_never_shown() -> None:
    """Neither text, nor repr, nor an error gives it away."""
    endpoint = Endpoint.parse("mqtts://ada:hunter2@h:1")
    assert str(endpoint) == "mqtts://ada@h:1"
    assert "hunter2" not in repr(endpoint)
    with pytest.raises(InputError) as caught:
        Endpoint.parse("mqtt://ada:hunter2@h:port")
    assert "hunter2" not in str(caught.value)


def test_the_text_of_an_address_reads_back() -> None:
    """What is printed can be pasted into an option, IPv6 included."""
    assert str(Endpoint("::1", 1884)) == "mqtt://[::1]:1884"
    assert Endpoint.parse(str(Endpoint("::1", 1884))) == Endpoint("::1", 1884)
