"""What answers mean, as the specification of Standard Webhooks and RFC 9110 have it."""

from datetime import UTC, datetime

import pytest

from eew.bridges.webhook.response import LONGEST_RETRY_AFTER_S, ResponseKind, response_of

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, ResponseKind.DELIVERED) for status in (200, 201, 202, 204, 299)),
        *((status, ResponseKind.REFUSED) for status in (301, 302, 304, 307, 308, 400, 401, 403, 404, 422)),
        *((status, ResponseKind.RETRY) for status in (408, 425, 429)),
        *((status, ResponseKind.UNAVAILABLE) for status in (500, 502, 503, 504, 599)),
        (410, ResponseKind.GONE),
    ],
)
def test_each_code_has_its_consequence(status: int, kind: ResponseKind) -> None:
    """The table of docs/webhooks.md."""
    assert response_of(status, None, NOW).kind is kind


@pytest.mark.parametrize(
    ("header", "pause_s"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:01:30 -0000", 90),
        ("9" * 400, LONGEST_RETRY_AFTER_S),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER_S),
        ("", 0),
        ("-5", 0),
        ("soon", 0),
        ("٧", 0),
        ("Sun, 99 Mar 2026 99:99:99 GMT", 0),
        (None, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_an_hour(header: str | None, pause_s: float) -> None:
    """What nobody can read asks for nothing [RFC9110, 10.2.3]."""
    assert response_of(503, header, NOW).pause_s == pause_s
