"""Whatever befalls the aggregator from outside the log, it publishes and follows up by the rules."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.conditions import PIPELINE, Conditions
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.flags import UNFIT, Flag
from dfp.contracts.frame import Frame
from dfp.contracts.held import Held
from dfp.contracts.opportunity import CloseReason, Opportunity, State, opportunity_id
from dfp.contracts.outcome import Outcome, Tradable
from dfp.contracts.risk import RiskStatus, Verdicts
from dfp.contracts.signal import Signal
from dfp.log.work import Work, Write
from dfp.market import trading_time
from dfp.market.phases import Phase
from dfp.market.symbols import pack
from dfp.risk.gate import STALE
from mornings import GUARDED, RULE, Change, Crash, Trouble, mornings
from opinions import NAMES, Aggregator, Down, Up, sent

COST = 0.001
troubled = mornings(trouble=True)


@dataclass
class Step:
    """What one event made the aggregator write, and what held by then.

    Attributes:
        clock: event time of the log's clock.
        blocked: symbols that the last verdicts blocked; None before the first.
    """

    event: Trouble
    writes: list[Write]
    conditions: Conditions
    clock: int
    blocked: list[str] | None
    revisions: list[Opportunity] = field(init=False)

    def __post_init__(self) -> None:
        self.revisions = [codec.decode(one.payload, Opportunity) for one in self.writes if one.kind is Kind.OPPORTUNITY]

    @property
    def silent(self) -> bool:
        """Whether nothing may be published."""
        return PIPELINE in (self.conditions.halts or ()) or not self.conditions.risk_fresh or self.blocked is None


def take(aggregator: Aggregator, event: Trouble) -> None:
    """Let one event happen."""
    if isinstance(event, Change):
        aggregator.assume(halts=event.halts, fresh=event.fresh, bundle=GUARDED)
    elif isinstance(event, Crash):
        aggregator.restart()
    else:
        aggregator.take(event)


def play(morning: list[Trouble]) -> Iterator[Step]:
    aggregator, clock, blocked = Aggregator(), 0, None
    for event in morning:
        before = len(aggregator.work.writes)
        take(aggregator, event)
        if isinstance(event, Clock):
            clock = event.time
        elif isinstance(event, Verdicts):
            blocked = [verdict.target.removeprefix("symbol/") for verdict in event.verdicts]
        yield Step(event, aggregator.work.writes[before:], aggregator.conditions, clock, blocked)


def play_through(morning: list[Trouble]) -> Aggregator:
    aggregator = Aggregator()
    for event in morning:
        take(aggregator, event)
    return aggregator


@given(troubled)
def test_nothing_is_published_while_the_pipeline_is_halted_or_the_guard_silent(morning: list[Trouble]) -> None:
    for step in play(morning):
        assert not step.silent or step.revisions == []


@given(troubled)
def test_what_is_published_is_verified_and_cites_its_verdicts(morning: list[Trouble]) -> None:
    for step in play(morning):
        assert all(revision.risk is RiskStatus.VERIFIED for revision in step.revisions)
        assert all(one.meta.cursor[NAMES.risk_verdicts] for one in step.writes if one.kind is Kind.OPPORTUNITY)


@given(troubled)
def test_nothing_opens_under_a_block_or_with_the_word_of_a_halted_strategy(morning: list[Trouble]) -> None:
    for step in play(morning):
        opened = [revision for revision in step.revisions if revision.rev == 1]
        assert not {revision.symbol for revision in opened} & set(step.blocked or ())
        told = {f"strategy/{member.strategy}" for revision in step.revisions for member in revision.members}
        assert not told & set(step.conditions.halts or ())


@given(troubled)
def test_revisions_have_no_gap_and_a_flip_closes_before_it_opens(morning: list[Trouble]) -> None:
    live: dict[str, Opportunity] = {}
    closed: set[str] = set()
    for step in play(morning):
        for revision in step.revisions:
            before = live.pop(revision.symbol, None)
            assert (revision.id, revision.rev) == ((before.id, before.rev + 1) if before else (revision.id, 1))
            assert revision.id not in closed
            if revision.state is State.CLOSED:
                closed.add(revision.id)
            else:
                live[revision.symbol] = revision
    assert live == {}


@given(troubled)
def test_nothing_but_a_close_is_published_after_its_expiry(morning: list[Trouble]) -> None:
    for step in play(morning):
        for revision in step.revisions:
            assert revision.state is State.CLOSED or revision.expires > max(revision.as_of, step.clock)


@given(troubled)
def test_crashes_change_nothing(morning: list[Trouble]) -> None:
    crashed = play_through(morning)
    undisturbed = play_through([event for event in morning if not isinstance(event, Crash)])
    assert crashed.work.writes == undisturbed.work.writes


@given(troubled, st.integers(0, 2**32))
def test_batches_are_an_accident_under_any_conditions(morning: list[Trouble], seed: int) -> None:
    chance = random.Random(seed)
    batched = Aggregator()
    batch: list[Entry] = []
    last = ""

    def flush() -> None:
        step = Work()
        batched.core.process(last, batch, step)
        batched.commit(step)
        batch.clear()

    for event in morning:
        if isinstance(event, Change | Crash):
            flush()
            take(batched, event)
            continue
        stream, entry = batched.entry(event)
        if stream != last or chance.random() < 0.3:
            flush()
        last = stream
        batch.append(entry)
    flush()
    one_by_one = play_through(morning)
    assert batched.work.writes == one_by_one.work.writes
    assert batched.work.counts == one_by_one.work.counts
    assert batched.fields == one_by_one.fields


@given(troubled)
def test_each_published_opportunity_has_exactly_one_outcome_and_nothing_is_followed_for_ever(
    morning: list[Trouble],
) -> None:
    aggregator = play_through(morning)
    opened = Counter(one.id for one in sent(aggregator.work, Kind.OPPORTUNITY, Opportunity) if one.rev == 1)
    assert Counter(one.id for one in sent(aggregator.work, Kind.OUTCOME, Outcome)) == opened
    assert [name for name in aggregator.fields if name.startswith("@follow/")] == []


@given(troubled)
def test_an_outcome_is_what_its_follower_would_have_seen(morning: list[Trouble]) -> None:
    steps = list(play(morning))
    for step in steps:
        for one in step.writes:
            if one.kind is Kind.OUTCOME:
                found = codec.decode(one.payload, Outcome)
                assert found == outcome_by_hand(found.id, steps), found


def outcome_by_hand(identifier: str, steps: list[Step]) -> Outcome:
    """The rules of docs/opportunities.md, written down a second time, with the whole morning at hand."""
    [(start, first)] = [(n, one) for n, step in enumerate(steps) for one in step.revisions if is_first(one, identifier)]
    [(end, final)] = [
        (n, one)
        for n, step in enumerate(steps)
        for one in step.revisions
        if one.id == identifier and one.state is State.CLOSED
    ]
    [opening] = {
        step.event.id: step.event
        for step in steps
        if isinstance(step.event, Signal) and opportunity_id(first.symbol, first.side, step.event.id) == identifier
    }.values()
    horizon_end = trading_time.add(first.opened, opening.horizon_ns)
    seen = [
        (n, *quote)
        for n, step in enumerate(steps)
        if n > start and isinstance(step.event, Frame)
        for quote in quotes(step.event, first.symbol)
        if first.opened <= quote[0] <= horizon_end
    ]
    up = first.side is Up
    entry, tradable = 0, Tradable.NO_QUOTE
    if seen:
        n, time, _, bid, ask, flags = seen[0]
        if n < end or time < final.as_of:
            entry = ask if up else bid
        locked = flags & (Flag.AT_LIMIT_UP if up else Flag.AT_LIMIT_DOWN)
        tradable = Tradable.YES if entry else Tradable.LOCKED if locked else Tradable.NO_QUOTE
    gains = [((last - entry if up else entry - last) / entry - COST) if entry else None for _, _, last, *_ in seen]
    known = [gain for gain in gains if gain is not None]
    at_close = [gain for gain, (n, time, *_) in zip(gains, seen, strict=True) if n < end or time < final.as_of]
    return Outcome(
        id=identifier,
        symbol=first.symbol,
        session=first.session,
        side=first.side,
        confidence=first.confidence,
        strategies=[member.strategy for member in first.members],
        opened=first.opened,
        closed=final.closed,  # type: ignore[arg-type]
        horizon_end=horizon_end,
        tradable=tradable,
        entry=entry / 10_000 if entry else None,
        exit=seen[-1][2] / 10_000 if seen else None,
        return_at_horizon=gains[-1] if gains else None,
        return_at_close=at_close[-1] if at_close else None,
        mfe=max(known, default=None),
        mae=min(known, default=None),
        cost=COST,
    )


def is_first(revision: Opportunity, identifier: str) -> bool:
    return revision.id == identifier and revision.rev == 1


def quotes(frame: Frame, symbol: str) -> Iterator[tuple[int, int, int, int, int]]:
    """Time, last, bid, ask and flags of the ticks that count."""
    for row in range(len(frame)):
        fit = frame["phase"][row] == Phase.CONTINUOUS and not frame["flags"][row] & UNFIT and frame["last"][row] > 0
        if frame["symbol"][row] == pack(symbol) and fit:
            time, last, bid, ask, flags = (int(frame[name][row]) for name in ("time", "last", "bid1", "ask1", "flags"))
            yield time, last, bid, ask, flags


def test_the_mornings_of_these_tests_are_eventful() -> None:
    """A guard: were the generator to make only quiet mornings, every law above would be kept by silence."""
    seen: Counter[object] = Counter()

    @settings(max_examples=300, derandomize=True)
    @given(troubled)
    def collect(morning: list[Trouble]) -> None:
        for step in play(morning):
            seen.update(revision.closed for revision in step.revisions)
            seen["flip"] += [revision.rev for revision in step.revisions[1:]].count(1)
            for one in step.writes:
                if one.kind is Kind.HELD:
                    seen[codec.decode(one.payload, Held).reason] += 1
                elif one.kind is Kind.OUTCOME:
                    outcome = codec.decode(one.payload, Outcome)
                    seen[outcome.tradable] += 1
                    seen[outcome.side, outcome.entry is not None] += 1
                    seen["two returns"] += outcome.return_at_close != outcome.return_at_horizon

    collect()
    wanted = {*CloseReason, *Tradable, "Halted", STALE, RULE, "flip", (Up, True), (Down, True), "two returns"}
    assert wanted <= {what for what, times in seen.items() if times}
