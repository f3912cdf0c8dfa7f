"""The checker of these tests itself: it finds what is put wrong into a good message."""

from collections.abc import Callable

import pytest

GOOD = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>a-1</identifier><sender>b@c.invalid</sender>
<sent>2024-01-01T00:00:00-00:00</sent><status>Test</status><msgType>Update</msgType><scope>Restricted</scope>
<restriction>few</restriction><references>b@c.invalid,a-0,2024-01-01T00:00:00-00:00</references>
<info><language>en</language><category>Geo</category><event>Earthquake</event><urgency>Immediate</urgency>
<severity>Extreme</severity><certainty>Likely</certainty><expires>2024-01-01T00:10:00-00:00</expires>
<area><areaDesc>there</areaDesc><polygon>1,1 2,2 1,2 1,1</polygon><circle>1.0,-1.5 10</circle></area></info></alert>"""

WRONG = {
    "a space in the identifier": ("<identifier>a-1", "<identifier>a 1"),
    "a comma in the sender": ("<sender>b@c", "<sender>b,c"),
    "UTC as Z": ("00:00:00-00:00</sent>", "00:00:00Z</sent>"),
    "fractions of a second": ("00:00:00-00:00</sent>", "00:00:00.5-00:00</sent>"),
    "an unknown status": ("Test<", "Real<"),
    "an update of nothing": ("<references>b@c.invalid,a-0,2024-01-01T00:00:00-00:00</references>", ""),
    "a reference without its time": (",2024-01-01T00:00:00-00:00</references>", "</references>"),
    "restricted to whom": ("<restriction>few</restriction>", ""),
    "no event": ("<event>Earthquake</event>", ""),
    "an empty event": ("Earthquake", ""),
    "the wrong order": ("<event>Earthquake</event><urgency>Immediate</urgency>", "<urgency>Immediate</urgency>"),
    "expired when sent": ("00:10:00", "00:00:00"),
    "an open polygon": ("1,2 1,1<", "1,2 1,3<"),
    "too few corners": ("1,1 2,2 1,2 1,1", "1,1 2,2 1,1"),
    "longitude beyond the date line": ("2,2 1,2", "2,2 1,182"),
    "a circle without its radius": ("-1.5 10", "-1.5"),
}


def test_the_checker_passes_a_good_message(cap_problems: Callable[[bytes], list[str]]) -> None:
    """What is good is no problem."""
    assert cap_problems(GOOD.encode()) == []


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_the_checker_finds(change: tuple[str, str], cap_problems: Callable[[bytes], list[str]]) -> None:
    """Each wrong thing is a problem."""
    assert GOOD.count(change[0]) == 1
    assert cap_problems(GOOD.replace(*change).encode())
