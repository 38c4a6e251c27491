"""What a person who follows a pipeline is shown, and what not."""

from dfp.cli.watch import line, opportunities
from dfp.client import Heartbeat, Revision, Snapshot
from dfp.contracts.opportunity import CloseReason, Member, Opportunity, State
from dfp.contracts.signal import Direction
from dfp.market.phases import session_open_ns

OPEN = session_open_ns(20261125)


def opportunity(**changed: object) -> Opportunity:
    member = Member(
        strategy="breakout", group="breakout", signal="s", confidence=0.6, strength=50.0, as_of=OPEN, expires=OPEN + 1,
        half_life_ns=1, reason="10.3 above range 10.01",
    )  # fmt: skip
    values: dict[str, object] = {
        "id": "i", "rev": 1, "symbol": "600000.SH", "session": 20261125, "side": Direction.UP,
        "state": State.TRACKING, "confidence": 0.6, "strength": 50.0, "opened": OPEN, "as_of": OPEN,
        "expires": OPEN + 1, "reference_price": 10.3, "members": [member],
    }  # fmt: skip
    return Opportunity(**{**values, **changed})  # type: ignore[arg-type]


def test_an_opportunity_is_one_line_with_its_reason() -> None:
    assert line(opportunity()).split() == (
        ["09:30:00.000", "600000.SH", "Up", "Tracking", "0.60", "10.30", "breakout:", "10.3", "above", "range", "10.01"]
    )


def test_a_close_says_why_and_a_missing_price_is_a_dash() -> None:
    closed = opportunity(state=State.CLOSED, closed=CloseReason.HALTED, reference_price=None, members=[])
    assert line(closed).split() == ["09:30:00.000", "600000.SH", "Up", "Closed", "(Halted)", "0.60", "-"]


def test_a_snapshot_holds_many_a_revision_one_and_a_heartbeat_none() -> None:
    one = opportunity()
    assert opportunities(Revision("0-1", one, {}, received=0)) == [one]
    assert opportunities(Snapshot("0-1", [one, one], None)) == [one, one]
    assert opportunities(Heartbeat("0-1")) == []
