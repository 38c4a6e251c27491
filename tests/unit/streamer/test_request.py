"""What a WebSocket client may ask for, and how a wrong question is answered."""

import pytest

from dfp.contracts.errors import ContractError
from dfp.streamer.request import NotFound, Request, parse


@pytest.mark.parametrize(
    ("target", "last_id"),
    [
        (b"/ws/opportunities", None),
        (b"/ws/opportunities?", None),
        (b"/ws/opportunities?last_id=0-12", "0-12"),
        (b"/ws/opportunities?last_id=", ""),
        (b"/ws/opportunities?last_id=0-1&last_id=0-2", "0-2"),
    ],
)
def test_a_client_asks_for_opportunities_and_may_say_what_it_knows(target: bytes, last_id: str | None) -> None:
    assert parse(target) == Request(last_id)


def test_another_path_is_not_found() -> None:
    with pytest.raises(NotFound, match="/ws/opportunities"):
        parse(b"/ws/alerts")


def test_a_misspelt_parameter_is_named() -> None:
    with pytest.raises(ContractError, match=r"lastid.*one of last_id"):
        parse(b"/ws/opportunities?lastid=0-1")
