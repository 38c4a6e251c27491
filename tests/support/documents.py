"""Documents of the contracts, filled in for tests."""

from dfp.contracts.opportunity import Member, Opportunity, State
from dfp.contracts.risk import Alert, Severity
from dfp.contracts.signal import Direction, Signal

SESSION = 20220601
MORNING = 1_654_047_063_000_000_000
"""2022-06-01 09:31:03 in Shanghai."""


def signal(strategy: str = "breakout", n: int = 1, symbol: str = "300122.SZ") -> Signal:
    return Signal(
        id=f"{strategy}-{n}",
        strategy=strategy,
        revision="0123456789abcdef",
        group=strategy,
        symbol=symbol,
        session=SESSION,
        n=n,
        direction=Direction.UP,
        confidence=0.6,
        strength=40.0,
        as_of=MORNING,
        expires=MORNING + 600_000_000_000,
        horizon_ns=600_000_000_000,
        reference_price=87.3,
        reason="87.3 above range 87.2",
    )


def opportunity(identifier: str = "a", rev: int = 1, price: float | None = 87.3) -> Opportunity:
    member = Member(
        strategy="breakout",
        group="breakout",
        signal="breakout-1",
        confidence=0.6,
        strength=40.0,
        as_of=MORNING,
        expires=MORNING + 600_000_000_000,
        half_life_ns=300_000_000_000,
        reason="87.3 above range 87.2",
    )
    return Opportunity(
        id=identifier,
        rev=rev,
        symbol="300122.SZ",
        session=SESSION,
        side=Direction.UP,
        state=State.TRACKING,
        confidence=0.6,
        strength=40.0,
        opened=MORNING,
        as_of=MORNING,
        expires=MORNING + 600_000_000_000,
        reference_price=price,
        members=[member],
    )


def alert(rule: str) -> Alert:
    return Alert(id="1", rule=rule, severity=Severity.WARNING, target="300122.SZ", time=MORNING, message="too much")
