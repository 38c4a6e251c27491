"""Cursors: stable text that is refused by name when it is not one of this list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.api.cursor import CursorError, decode, encode, pattern


@given(st.integers(0, 10**18 - 1))
def test_a_cursor_leads_back_to_its_entry(seq: int) -> None:
    assert decode("signals", encode("signals", seq)) == seq


@pytest.mark.parametrize(
    ("cursor", "said"),
    [
        ("v2.signals.5", "of version v1, not v2"),
        ("v0.signals.5", "of version v1, not v0"),
        ("v1.alerts.5", "of signals, not of alerts"),
        ("v1.signals.05", "unchanged"),
        ("v1.signals.-5", "unchanged"),
        ("v1.signals.٥", "unchanged"),
        ("v1.signals." + "9" * 5_000, "unchanged"),
        ("5", "unchanged"),
        ("", "unchanged"),
    ],
)
def test_what_is_no_cursor_of_the_list_is_refused_with_what_is(cursor: str, said: str) -> None:
    with pytest.raises(CursorError, match=said):
        decode("signals", cursor)


@given(st.text(max_size=40) | st.from_regex(pattern("signals"), fullmatch=True))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        seq = decode("signals", text)
    except CursorError:
        return
    assert encode("signals", seq) == text
