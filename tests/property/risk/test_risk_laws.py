"""What holds of the risk rules whatever the market does: cuts, restarts, and plain models of the same rules."""

import itertools
import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts import codec
from dfp.contracts.clock import Gap
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.policy import Action, Frequency, Measure, Scope
from dfp.contracts.risk import Decision
from dfp.log.work import Work
from dfp.market import trading_time
from dfp.market.phases import phase_at
from dfp.risk.audit import AuditCore
from dfp.risk.frequency import Window
from dfp.risk.gate import Effects, Gate
from dfp.risk.grid import points
from dfp.risk.guard import GuardCore
from dfp.risk.latch import Latch
from dfp.risk.prices import Prices
from dfp.risk.volatility import RealisedVolatility
from feature_log import MAUTAI, NAMES, PINGAN, SESSION, Item, Row, frame, log, moment
from risk_cases import (
    MINUTE,
    SECOND,
    Conditions,
    bundle_of,
    clock_at,
    concentration,
    equity_drawdown,
    frequency,
    opportunity,
    price_drawdown,
    say,
    signal,
    verdict,
    volatility,
)

SYMBOLS = [MAUTAI, PINGAN, "600000.SH"]
RULES = bundle_of(
    volatility(0.01, name="a", hold=5 * MINUTE),
    volatility(0.01, name="b", window=20 * MINUTE),
    price_drawdown(0.02, name="c"),
    price_drawdown(0.01, name="d", sessions=1, action=Action.ALERT),
    price_drawdown(0.01, name="e", sessions=None, window=3 * MINUTE),
    equity_drawdown(0.001, name="f", action=Action.BLOCK),
    equity_drawdown(0.001, name="g", sessions=None, window=2 * MINUTE),
)
OPEN = moment("09:30:00")


def prior(symbol: str, session: int, sessions: int) -> int:
    return -1 if symbol == PINGAN else 102_000


@st.composite
def markets(draw: st.DrawFn) -> list[Item]:
    """Half an hour of ticks, clock entries and holes, over lunch or at the open."""
    start = draw(st.sampled_from([moment("09:25:00"), moment("10:00:00"), moment("11:15:00"), moment("14:40:00")]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    items: list[Item] = []
    at = start
    for _ in range(draw(st.integers(5, 40))):
        items.append(clock_at(at))
        for _ in range(int(rng.integers(0, 4))):
            time = at + int(rng.integers(0, MINUTE))
            price = 10.0 + float(rng.integers(-30, 31)) / 100
            symbol = SYMBOLS[int(rng.integers(0, 3))]
            flags = 2 if rng.random() < 0.05 else 0
            ask = 0.0 if rng.random() < 0.05 else price + 0.01
            items.append(Row(symbol=symbol, time=time, last=price, ask1=ask, phase=phase_at(time), flags=flags))
        if rng.random() < 0.03:
            items.append(Gap(session=SESSION, time=at, reason="lost"))
        at += MINUTE
    return items


def guard() -> GuardCore:
    core = GuardCore(NAMES, prior)
    core.assume(Conditions(), RULES, Work())
    return core


def ran(core: GuardCore | AuditCore, batches: Sequence[tuple[str, Sequence[Entry]]]) -> Work:
    work = Work()
    for stream, entries in batches:
        core.process(stream, entries, work)
    return work


def cut(entries: Sequence[Entry], cuts: Sequence[int]) -> list[Sequence[Entry]]:
    edges = sorted({0, len(entries), *(place % (len(entries) + 1) for place in cuts)})
    return [entries[a:b] for a, b in itertools.pairwise(edges)]


@given(markets(), st.lists(st.integers(0, 200), max_size=6))
def test_the_guard_does_not_care_how_its_input_was_cut(items: list[Item], cuts: list[int]) -> None:
    entries = log(items)
    one, many = guard(), guard()
    whole = ran(one, [(NAMES.features, entries)])
    parts = ran(many, [(NAMES.features, part) for part in cut(entries, cuts)])
    assert whole == parts
    assert one.save() == many.save()


@given(markets(), st.integers(0, 200))
def test_a_guard_that_is_saved_and_loaded_goes_on_bit_for_bit(items: list[Item], place: int) -> None:
    entries = log(items)
    first, rest = entries[: place % len(entries)], entries[place % len(entries) :]
    one, other = guard(), GuardCore(NAMES, prior)
    ran(one, [(NAMES.features, first)])
    other.load(one.save())
    assert other.save() == one.save()
    assert ran(other, [(NAMES.features, rest)]) == ran(one, [(NAMES.features, rest)])
    assert other.save() == one.save()


@given(markets())
def test_what_the_changes_add_up_to_is_what_a_complete_entry_lists(items: list[Item]) -> None:
    core, work = guard(), Work()
    core.process(NAMES.features, log(items), work)
    core.assume(Conditions(), RULES, work)
    table: dict[tuple[str, str], msgspec.Struct] = {}
    *changes, everything = [
        codec.decode(write.payload, type(say(RULES))) for write in work.writes if write.kind is Kind.VERDICTS
    ]
    for entry in changes:
        for one in entry.verdicts:
            table.pop((one.rule, one.target), None)
            if one.decision in (Decision.BREACH, Decision.UNKNOWN):
                table[one.rule, one.target] = one
    assert everything.complete
    assert table == {(one.rule, one.target): one for one in everything.verdicts}


@given(st.binary(max_size=200))
def test_a_guard_s_state_from_anywhere_is_refused_by_name_or_taken(state: bytes) -> None:
    with pytest.raises(ContractError):
        guard().load(b"\x99" + state)


@given(st.sampled_from(list(Kind)), st.binary(max_size=100))
def test_no_entry_stops_the_guard_or_the_auditor(kind: Kind, payload: bytes) -> None:
    for stream in (NAMES.features, NAMES.opportunities, NAMES.risk_verdicts):
        audit = AuditCore(NAMES)
        audit.process(stream, [Entry(1, kind, payload)], Work())
    guard().process(NAMES.features, [Entry(1, kind, payload)], Work())


@given(markets(), st.sampled_from([(None, MINUTE), (20 * MINUTE, MINUTE), (None, 2 * MINUTE)]))
def test_volatility_is_its_formula(items: list[Item], rule: tuple[int | None, int]) -> None:
    window, grid = rule
    prices, estimator = Prices(), RealisedVolatility(window, grid)
    seen: dict[str, list[float]] = {}
    current: dict[str, float] = {}
    first: dict[str, float] = {}
    last_point: int | None = None
    for item in items:
        if isinstance(item, Row):
            prices.take(frame([item]))
            if item.phase in (3, 4) and not item.flags & 15:
                current[item.symbol] = item.last
                first.setdefault(item.symbol, item.last)
        elif not isinstance(item, Gap):
            estimator.advance(prices, SESSION, item.time)
            point = points(SESSION, grid, item.time)
            if last_point is None:
                seen = {symbol: [price] for symbol, price in current.items()}
            elif point > last_point:
                for symbol, price in current.items():
                    path = seen.setdefault(symbol, [first[symbol]])
                    path.extend([price] * (point - last_point))
            last_point = point if last_point is None else max(point, last_point)
    values = estimator.values(len(prices))
    for place in range(len(prices)):
        path = seen.get(prices.symbol(place), [])
        steps = list(itertools.pairwise(path))
        if window is not None:
            steps = steps[-(window // grid) :]
        expected = math.sqrt(sum(math.log(after / before) ** 2 for before, after in steps))
        assert values[place] == pytest.approx(expected if len(path) > 15 else math.nan, abs=1e-12, nan_ok=True)


@given(markets())
def test_how_ticks_are_framed_changes_no_price(items: list[Item]) -> None:
    rows = [item for item in items if isinstance(item, Row)]
    one, many = Prices(), Prices()
    if rows:
        one.take(frame(rows))
    for row in rows:
        many.take(frame([row]))
    assert one.save() == many.save()


@st.composite
def readings(draw: st.DrawFn) -> list[tuple[int, float]]:
    """Values at rising times of a day, on both sides of lunch, around a threshold of 0.1."""
    gaps = draw(st.lists(st.integers(1, 90), min_size=1, max_size=60))
    start = draw(st.sampled_from([moment("10:00:00"), moment("11:10:00"), moment("14:30:00")]))
    value = st.sampled_from([0.0, 0.05, 0.08, 0.0801, 0.09, 0.0999, 0.1, 0.2])
    return [(start + SECOND * 20 * total, draw(value)) for total in itertools.accumulate(gaps)]


@given(readings(), st.sampled_from([0, 30 * SECOND, 15 * MINUTE]))
def test_the_latch_is_its_definition(steps: list[tuple[int, float]], hold: int) -> None:
    latch = Latch()
    expected = False
    for index, (at, value) in enumerate(steps):
        latch.step(value, at, 0.1, hold)
        # The definition, over the whole history: the last rise, and how long all values have been low.
        rises = [
            time
            for place, (time, reading) in enumerate(steps[: index + 1])
            if reading >= 0.1 and (place == 0 or steps[place - 1][1] < 0.1)
        ]
        calm = list(itertools.takewhile(lambda step: step[1] <= 0.8 * 0.1, reversed(steps[: index + 1])))
        if value >= 0.1:
            expected = True
        elif expected and calm:
            since = calm[-1][0]
            long_enough = trading_time.elapsed(since, at) >= 60 * SECOND
            unlocked = trading_time.elapsed(rises[-1], at) >= hold
            expected = not (long_enough and unlocked)
        assert latch.breached == expected


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=80),
    st.integers(1, 5),
    st.sampled_from([1, 10, 60]),
)
def test_no_window_ever_holds_more_admitted_signals_than_the_limit(gaps: list[int], limit: int, seconds: int) -> None:
    check = Frequency(limit=limit, window_ns=seconds * SECOND)
    window, admitted = Window(), list[int]()
    for at in (OPEN + SECOND * total for total in itertools.accumulate(gaps)):
        counted = sum(at - seconds * SECOND < time <= at for time in admitted)
        assert window.is_full(at, check) == (counted >= limit)
        assert window.count(at, check) == counted
        if not window.is_full(at, check):
            window.admit(at, check)
            admitted.append(at)
    for time in admitted:
        assert sum(time - seconds * SECOND < other <= time for other in admitted) <= limit


GATE_RULES = bundle_of(
    volatility(),
    frequency(2, 30 * SECOND, hold=MINUTE),
    frequency(5, 2 * MINUTE, scope=Scope.STRATEGY, name="strategy"),
    concentration(0.3, Measure.HERFINDAHL, min_active=2, hold=MINUTE),
)

asks = st.lists(
    st.tuples(
        st.sampled_from(["signal", "candidate", "breach", "ok"]),
        st.integers(0, 40),
        st.sampled_from(SYMBOLS),
        st.sampled_from(["a", "b"]),
        st.integers(1, 100),
    ),
    max_size=30,
)


def answers(gate: Gate, asked: Sequence[tuple[str, int, str, str, int]], start: int) -> list[object]:
    """What a gate says, and what it wants to have kept."""
    said: list[object] = []
    at = start
    for kind, gap, symbol, strategy, weight in asked:
        at += gap * SECOND
        effects = Effects()
        match kind:
            case "signal":
                said.append(gate.admit(signal(strategy, symbol, at), effects))
            case "candidate":
                active = [opportunity("600001.SH", weight=40.0), opportunity("600002.SH", weight=30.0)]
                candidate = opportunity(symbol, strategy, weight=float(weight), at=at)
                said.append(gate.judge(candidate, active, at, fresh=weight % 7 > 0, effects=effects))
            case _:
                decision = Decision.BREACH if kind == "breach" else Decision.OK
                gate.learn(say(GATE_RULES, verdict(target=f"symbol/{symbol}", decision=decision), complete=weight > 50))
        said += [effects.alerts, effects.halts]
    return said


@given(asks, asks)
def test_a_gate_that_is_restored_from_its_commits_answers_the_same(
    before: list[tuple[str, int, str, str, int]], after: list[tuple[str, int, str, str, int]]
) -> None:
    gate, fields = Gate(GATE_RULES, lambda symbol, session: None), dict[str, bytes]()
    for ask in before:
        answers(gate, [ask], OPEN)
        for name, value in gate.changed().items():
            if value is None:
                fields.pop(name, None)
            else:
                fields[name] = value
    other = Gate(GATE_RULES, lambda symbol, session: None)
    other.restore(fields)
    assert answers(other, after, OPEN) == answers(gate, after, OPEN)
    assert other.changed() == gate.changed()


def audited(items: list[Item]) -> list[tuple[str, Entry]]:
    """The market's features, with opportunities that open and close in it, as a reader would interleave them."""
    found: list[tuple[str, Entry]] = []
    opened = 0
    for entry in log(items):
        if entry.kind is Kind.CLOCK:
            at = moment("09:00:00") if not found else codec.decode(entry.payload, type(clock_at(0))).time
            opened += 1
            symbol = SYMBOLS[opened % 3]
            one = opportunity(symbol, "a", *(["b"] if opened % 2 else []), at=at, identifier=f"{opened}")
            found.append((NAMES.opportunities, _entry(opened * 2 - 1, one)))
            if opened > 3:
                closed = msgspec.structs.replace(one, id=f"{opened - 3}", rev=2, state="Closed")
                found.append((NAMES.opportunities, _entry(opened * 2, closed)))
        found.append((NAMES.features, entry))
    return found


def _entry(seq: int, one: msgspec.Struct) -> Entry:
    return Entry(seq, Kind.OPPORTUNITY, msgspec.json.encode(one), Meta(cursor={NAMES.risk_verdicts: 1}))


@given(markets(), st.integers(0, 500))
def test_an_auditor_that_is_restored_from_its_commits_goes_on_the_same(items: list[Item], place: int) -> None:
    entries = audited(items)
    place %= len(entries)
    one = AuditCore(NAMES)
    fields: dict[str, bytes] = {}
    first = Work()
    one.assume(Conditions(), RULES, first)
    for stream, entry in entries[:place]:
        one.process(stream, [entry], first)
    fields = {name: value for name, value in first.state.items() if value is not None}
    other = AuditCore(NAMES)
    other.load_state(fields)
    again = Work()
    other.assume(Conditions(), RULES, again)
    assert again == Work()
    rest = [(stream, [entry]) for stream, entry in entries[place:]]
    assert ran(other, rest) == ran(one, rest)
    assert other.save() == one.save()


@given(markets(), st.lists(st.integers(0, 200), max_size=6))
def test_the_auditor_does_not_care_how_its_input_was_cut(items: list[Item], cuts: list[int]) -> None:
    entries = log(items)
    cores = [AuditCore(NAMES), AuditCore(NAMES)]
    works = []
    for core, parts in zip(cores, ([entries], cut(entries, cuts)), strict=True):
        core.assume(Conditions(), RULES, Work())
        opened = [opportunity(symbol, "a", at=items[0].time, identifier=symbol) for symbol in SYMBOLS]
        core.process(NAMES.opportunities, [_entry(n, one) for n, one in enumerate(opened, 1)], Work())
        works.append(ran(core, [(NAMES.features, part) for part in parts]))
    assert works[0] == works[1]
    assert cores[0].save() == cores[1].save()
