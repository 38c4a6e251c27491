"""What a WebSocket client sends before and on its connection."""

import contextlib

from hypothesis import example, given

from dfp.contracts.errors import ContractError
from dfp.streamer import messages, schema
from dfp.streamer.filters import Filter
from dfp.streamer.request import NotFound, parse, parse_message
from mutations import hostile

VALID = [
    b"/ws/opportunities",
    b"/ws/opportunities?last_id=0-123",
    b"/ws/opportunities?symbols=600000.SH,1&sides=Up&states=Closed&min_confidence=nan&alerts=true&strategies=a",
    b"/ws/opportunities?last_id=0-1&x=%00%ff#[::",
]


@given(hostile(VALID))
@example(b"//[::")
def test_any_target_is_a_request_or_refused(target: bytes) -> None:
    with contextlib.suppress(NotFound, ContractError):
        assert isinstance(parse(target).last_id, str | None)


MESSAGES = [
    b'{"type":"subscribe"}',
    b'{"type":"subscribe","symbols":["600000.SH","if2101.cf"],"sides":["Up"],"states":["Closed"],"strategies":["x"]}',
    b'{"type":"subscribe","min_confidence":0.5,"alerts":true}',
]


@given(hostile(MESSAGES))
def test_any_message_is_a_filter_or_a_mistake_that_can_be_told(data: bytes) -> None:
    try:
        assert isinstance(parse_message(data), Filter)
    except ContractError as mistake:
        schema.decode(messages.error(1, mistake))
