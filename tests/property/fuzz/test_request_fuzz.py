"""What a WebSocket client sends before and on its connection."""

import contextlib

from hypothesis import example, given

from dfp.contracts.errors import ContractError
from dfp.streamer.request import NotFound, parse
from mutations import hostile

VALID = [b"/ws/opportunities", b"/ws/opportunities?last_id=0-123", b"/ws/opportunities?last_id=0-1&x=%00%ff#[::"]


@given(hostile(VALID))
@example(b"//[::")
def test_any_target_is_a_request_or_refused(target: bytes) -> None:
    with contextlib.suppress(NotFound, ContractError):
        assert isinstance(parse(target).last_id, str | None)
