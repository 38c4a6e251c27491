"""Messages are JSON that carries the log's own bytes."""

import json

from dfp.contracts import codec
from dfp.streamer import messages
from revisions import revision

PAYLOAD = codec.encode(revision())


def test_an_opportunity_carries_its_id_its_payload_and_its_hops() -> None:
    message = messages.opportunity(7, PAYLOAD, {"opportunity": 1, "push": 2})
    assert PAYLOAD in message
    assert json.loads(message) == {
        "type": "opportunity",
        "id": "0-7",
        "payload": json.loads(PAYLOAD),
        "hops": {"opportunity": 1, "push": 2},
    }


def test_a_snapshot_is_a_list_and_says_why_it_was_not_asked_for() -> None:
    assert json.loads(b"".join(messages.snapshot(7, [PAYLOAD, PAYLOAD]))) == {
        "type": "snapshot",
        "id": "0-7",
        "payload": [json.loads(PAYLOAD)] * 2,
    }
    told = json.loads(b"".join(messages.snapshot(0, [], 'last_id "x"')))
    assert told == {"type": "snapshot", "id": "0-0", "payload": [], "reason": 'last_id "x"'}


def test_heartbeats_and_resyncs_have_the_same_envelope() -> None:
    assert json.loads(messages.heartbeat(3)) == {"type": "heartbeat", "id": "0-3", "payload": {}}
    assert json.loads(messages.resync(3, "lost")) == {"type": "resync", "id": "0-3", "payload": {"reason": "lost"}}
