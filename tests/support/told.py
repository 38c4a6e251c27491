"""Messages of the WebSocket as the contract has them, for tests of those who read them."""

import json
from collections.abc import Iterable

import msgspec

from dfp.client.filter import Filter
from dfp.contracts import codec
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.risk import Alert


def opportunity(seq: int, found: Opportunity, **hops: int) -> bytes:
    return _message("opportunity", seq, codec.encode(found), hops=hops)


def snapshot(seq: int, found: Iterable[Opportunity] = (), reason: str | None = None) -> bytes:
    more = {} if reason is None else {"reason": reason}
    return _message("snapshot", seq, b"[%b]" % b",".join(map(codec.encode, found)), **more)


def resync(seq: int) -> bytes:
    return _message("resync", seq, b'{"reason":"the log has lost entries"}')


def heartbeat(seq: int) -> bytes:
    return _message("heartbeat", seq, b"{}")


def subscribed(seq: int, wanted: Filter) -> bytes:
    return _message("subscribed", seq, msgspec.json.encode(wanted))


def refused(seq: int, field: str, value: object, allowed: str) -> bytes:
    return _message("error", seq, json.dumps({"field": field, "value": value, "allowed": allowed}).encode())


def alert(seq: int, raised: Alert) -> bytes:
    return _message("alert", seq, codec.encode(raised))


def _message(kind: str, seq: int, payload: bytes, **more: object) -> bytes:
    return msgspec.json.encode({"type": kind, "id": f"0-{seq}", "payload": msgspec.Raw(payload), **more})
