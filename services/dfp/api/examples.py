"""One morning of documents, as /openapi.json and docs/api.md show them; tests put the same ones into a real log."""

from dfp.api.answers import Stage, Strategy
from dfp.api.market_answers import Quote, Tick
from dfp.contracts.clock import Clock
from dfp.contracts.opportunity import CloseReason, Member, Opportunity, State
from dfp.contracts.outcome import Outcome, Tradable
from dfp.contracts.policy import Action, Policy, Rule, Scope, Volatility, bundle
from dfp.contracts.risk import Alert, Decision, Halt, RiskStatus, Severity, Verdict, Verdicts
from dfp.contracts.running_strategy import RunningStrategy
from dfp.contracts.signal import Direction, Signal
from dfp.market.phases import SECOND_NS, Phase

SESSION = 20220601
AT = 1_654_047_063_000_000_000
"""2022-06-01 09:31:03 in Shanghai."""

MINUTE_NS = 60 * SECOND_NS
SYMBOL, STRATEGY, POLICY = "300122.SZ", "breakout", "house"

SIGNAL = Signal(
    id="5cd0e1bb9b3c4e27a6a0f1d2",
    strategy=STRATEGY,
    revision="9f2d6c1e8a7b4c30",
    group=STRATEGY,
    symbol=SYMBOL,
    session=SESSION,
    n=412,
    direction=Direction.UP,
    confidence=0.72,
    strength=41.0,
    as_of=AT,
    expires=AT + 10 * MINUTE_NS,
    horizon_ns=10 * MINUTE_NS,
    reference_price=87.3,
    reason="87.3 is above the range of 400 ticks, 87.2",
)

SHADOW_SIGNAL = Signal(
    id="0b7f3d5a2c9e4816b3d4c5e6",
    strategy="mean-reversion",
    revision="1a2b3c4d5e6f7081",
    group="mean-reversion",
    symbol=SYMBOL,
    session=SESSION,
    n=415,
    direction=Direction.DOWN,
    confidence=0.55,
    strength=20.0,
    as_of=AT + 9 * SECOND_NS,
    expires=AT + 5 * MINUTE_NS,
    horizon_ns=5 * MINUTE_NS,
    reference_price=87.5,
    reason="2.1 deviations above the mean",
)

MEMBER = Member(
    strategy=STRATEGY,
    group=STRATEGY,
    signal=SIGNAL.id,
    confidence=0.72,
    strength=41.0,
    as_of=AT,
    expires=SIGNAL.expires,
    half_life_ns=5 * MINUTE_NS,
    reason=SIGNAL.reason,
)

OPPORTUNITY = Opportunity(
    id="c8e0f8a94d1b4f6f9e21a7d3",
    rev=1,
    symbol=SYMBOL,
    session=SESSION,
    side=Direction.UP,
    state=State.TRACKING,
    confidence=0.72,
    strength=41.0,
    opened=AT,
    as_of=AT,
    expires=SIGNAL.expires,
    reference_price=87.3,
    members=[MEMBER],
    risk=RiskStatus.VERIFIED,
)

CLOSED = Opportunity(
    id=OPPORTUNITY.id,
    rev=2,
    symbol=SYMBOL,
    session=SESSION,
    side=Direction.UP,
    state=State.CLOSED,
    confidence=0.39,
    strength=41.0,
    opened=AT,
    as_of=AT + 5 * MINUTE_NS,
    expires=SIGNAL.expires,
    reference_price=87.3,
    members=[],
    closed=CloseReason.EXPIRED,
    risk=RiskStatus.VERIFIED,
)

OUTCOME = Outcome(
    id=OPPORTUNITY.id,
    symbol=SYMBOL,
    session=SESSION,
    side=Direction.UP,
    confidence=0.72,
    strategies=[STRATEGY],
    opened=AT,
    closed=CloseReason.EXPIRED,
    horizon_end=SIGNAL.expires,
    tradable=Tradable.YES,
    entry=87.31,
    exit=87.9,
    return_at_horizon=0.0058,
    return_at_close=0.0042,
    mfe=0.0071,
    mae=-0.0012,
    cost=0.001,
)

POLICIES = bundle(
    [
        Policy(
            name=POLICY,
            strategies=None,
            enforce=True,
            rules=[
                Rule(
                    name="volatility",
                    scope=Scope.SYMBOL,
                    check=Volatility(threshold=0.03, window_ns=10 * MINUTE_NS, grid_ns=SECOND_NS),
                    action=Action.BLOCK,
                    hold_ns=5 * MINUTE_NS,
                )
            ],
        )
    ]
)

VERDICT = Verdict(
    policy=POLICY,
    rule="volatility",
    target="symbol/000001.SZ",
    action=Action.BLOCK,
    enforce=True,
    decision=Decision.BREACH,
    value=0.034,
    threshold=0.03,
    until=AT + 5 * MINUTE_NS,
)

VERDICTS = Verdicts(version=POLICIES.version, seq=1, time=AT, complete=True, verdicts=[VERDICT])

ALERT = Alert(
    id="77d1c0a2b94e4d0c8f5e6a1b",
    rule=f"{POLICY}/volatility",
    severity=Severity.WARNING,
    target="symbol/000001.SZ",
    time=AT,
    message="000001.SZ: volatility has reached 3.00%; nothing new is published on it",
    value=0.034,
    threshold=0.03,
)

HALT = Halt(target=f"strategy/{STRATEGY}", cause="person", since=AT, reason="too many signals since 09:31")

TICK = Tick(
    n=412, time=AT, session=SESSION, phase="CONTINUOUS", flags=0, last=87.3, volume=1200, turnover=104760.0,
    bid1=87.29, ask1=87.31, bid1_volume=300, ask1_volume=800, pre_close=86.0, limit_up=103.2, limit_down=68.8,
)  # fmt: skip

QUOTE = Quote(
    symbol=SYMBOL, time=AT, session=SESSION, phase="CONTINUOUS", last=87.3, volume=1200, pre_close=86.0,
    bid1=87.29, ask1=87.31, bid1_volume=300, ask1_volume=800,
)  # fmt: skip

FEATURES = {"ema_100": 87.1234, "spread": 0.00022909507445589919}

CLOCK = Clock(time=AT + SECOND_NS, session=SESSION, phase=int(Phase.CONTINUOUS))

RUNNING = RunningStrategy(
    name=STRATEGY, mode="Live", revision=SIGNAL.revision, group="", parameters={"volume_factor": 2.0}, universe={},
    instance="engine-breakout", since=AT,
)  # fmt: skip

STRATEGY_VIEW = Strategy(
    name=STRATEGY, mode="Live", revision=SIGNAL.revision, parameters=RUNNING.parameters, running=True,
    owner="engine-breakout", halted=False, behind=0, counters={"signals": 1, "ticks": 412}, last_signal=AT,
)  # fmt: skip

STAGE = Stage(
    stage="engine/breakout", cursor={"dfp:features": 2}, behind=0, counters={"signals": 1, "ticks": 412},
    owner="engine-breakout",
)  # fmt: skip
