"""Whatever the strategies say and however it interleaves with the clock, opportunities keep their promises."""

import random
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfp.aggregator.core import AggregatorCore
from dfp.aggregator.views import Views
from dfp.contracts.clock import Clock
from dfp.contracts.entry import Entry
from dfp.contracts.opportunity import CloseReason, Opportunity, State
from dfp.contracts.signal import Signal
from dfp.log.work import Work
from mornings import MORNING_S, SYMBOLS, days, strategies_in_order
from opinions import NAMES, SECOND, Aggregator, Event, clock, published

seeds = st.integers(0, 2**32)


@dataclass(frozen=True)
class Emission:
    revision: Opportunity
    clock: int
    """The log's clock when it was published."""
    trigger: Event


def emissions(day: list[Event]) -> list[Emission]:
    aggregator, now, found = Aggregator(), 0, list[Emission]()
    for event in day:
        now = event.time if isinstance(event, Clock) else now
        found += [Emission(revision, now, event) for revision in aggregator.take(event)]
    return found


def confidence_by_hand(revision: Opportunity, at: int) -> float:
    """The published formula, written down a second time."""
    doubt = 1.0
    for group in {member.group for member in revision.members}:
        doubt *= 1 - max(
            member.confidence * 0.5 ** (max(0, at - member.as_of) / member.half_life_ns) * (at < member.expires)
            for member in revision.members
            if member.group == group
        )
    return 1 - doubt


@settings(deadline=None)
@given(days())
def test_revisions_of_an_id_are_1_2_3_and_end_with_the_close(day: list[Event]) -> None:
    by_id: dict[str, list[Opportunity]] = {}
    for emission in emissions(day):
        by_id.setdefault(emission.revision.id, []).append(emission.revision)
    for revisions in by_id.values():
        assert [revision.rev for revision in revisions] == list(range(1, len(revisions) + 1))
        states = [revision.state for revision in revisions]
        assert State.CLOSED not in states[:-1]
        order = [State.TRACKING, State.CONFIRMED, State.CLOSED]
        assert states == sorted(states, key=order.index)
        assert len({(found.symbol, found.side, found.opened, found.session) for found in revisions}) == 1
        assert all(before.as_of <= after.as_of for before, after in pairwise(revisions))
        assert all((revision.closed is None) == (revision.state is not State.CLOSED) for revision in revisions)


@settings(deadline=None)
@given(days())
def test_a_symbol_has_one_live_opportunity_at_most(day: list[Event]) -> None:
    live: dict[str, str] = {}
    for emission in emissions(day):
        revision = emission.revision
        assert live.get(revision.symbol, revision.id) == revision.id
        live[revision.symbol] = revision.id
        if revision.state is State.CLOSED:
            del live[revision.symbol]


@settings(deadline=None)
@given(days())
def test_confidence_is_what_the_members_deserve_at_the_as_of(day: list[Event]) -> None:
    for emission in emissions(day):
        revision = emission.revision
        assert revision.confidence == pytest.approx(confidence_by_hand(revision, revision.as_of), abs=1e-12)
        assert 0 <= revision.strength <= 100
        assert all(member.expires > revision.as_of for member in revision.members)


@settings(deadline=None)
@given(days())
def test_every_state_is_earned(day: list[Event]) -> None:
    confirmed: set[str] = set()
    for emission in emissions(day):
        revision = emission.revision
        groups = {member.group for member in revision.members}
        if revision.rev == 1:
            assert isinstance(emission.trigger, Signal)
            assert revision.confidence >= 0.6
        if revision.state is State.CONFIRMED and revision.id not in confirmed:
            confirmed.add(revision.id)
            assert revision.confidence >= 0.8 or len(groups) > 1
        if revision.state is State.TRACKING:
            assert revision.confidence < 0.8
            assert len(groups) == 1
        if revision.state is not State.CLOSED:
            assert revision.confidence >= 0.4
        elif revision.closed is CloseReason.EXPIRED:
            assert revision.confidence < 0.4


@settings(deadline=None)
@given(days())
def test_nothing_is_published_after_its_expiry(day: list[Event]) -> None:
    for emission in emissions(day):
        revision = emission.revision
        assert revision.state is State.CLOSED or revision.expires > max(revision.as_of, emission.clock)


@settings(deadline=None)
@given(days())
def test_an_update_tells_something_new_and_not_twice_a_second(day: list[Event]) -> None:
    last: dict[str, Opportunity] = {}
    for emission in emissions(day):
        revision = emission.revision
        before = last.get(revision.id)
        last[revision.id] = revision
        if before is None or before.state is not revision.state:
            continue
        assert revision.as_of - before.as_of >= SECOND
        newcomers = {member.strategy for member in revision.members} - {member.strategy for member in before.members}
        assert newcomers or abs(revision.confidence - confidence_by_hand(before, revision.as_of)) > 0.05 - 1e-9


@settings(deadline=None)
@given(days())
def test_clients_are_never_wrong_by_more_than_a_tick_of_the_clock_allows(day: list[Event]) -> None:
    """At each clock entry, what a client computes from the last revision is close to the truth, or it was told."""
    aggregator, told = Aggregator(), dict[str, Opportunity]()
    for event in day:
        for revision in aggregator.take(event):
            told[revision.symbol] = revision
        if not isinstance(event, Clock):
            continue
        for symbol, revision in told.items():
            views = Views(aggregator.views(symbol))
            at = max(event.time, views.as_of())  # a signal may be read ahead of the clock
            if revision.state is State.CLOSED or at - revision.as_of < SECOND:
                continue
            members = [one for one in views.members(revision.side) if one.expires > at]
            truth = Opportunity(**{**_fields(revision), "members": members})
            gap = abs(confidence_by_hand(truth, at) - confidence_by_hand(revision, at))
            assert gap < 0.05 + 1e-9


def _fields(revision: Opportunity) -> dict[str, object]:
    return {name: getattr(revision, name) for name in revision.__struct_fields__}


@settings(deadline=None)
@given(days(), seeds)
def test_batches_are_an_accident(day: list[Event], seed: int) -> None:
    chance = random.Random(seed)
    one_by_one, batched = Aggregator(), Aggregator()
    one_by_one.take(*day)
    for stream, entries in batches(batched, day, chance):
        step = Work()
        batched.core.process(stream, entries, step)
        batched.commit(step)
    assert batched.work.writes == one_by_one.work.writes
    assert batched.work.counts == one_by_one.work.counts
    assert batched.fields == one_by_one.fields
    assert batched.core.save() == one_by_one.core.save()


def batches(aggregator: Aggregator, day: list[Event], chance: random.Random) -> list[tuple[str, list[Entry]]]:
    """The day as batches of one stream each, of random size, without changing the order over both streams."""
    found: list[tuple[str, list[Entry]]] = []
    for stream, entry in map(aggregator.entry, day):
        if found and found[-1][0] == stream and chance.random() < 0.7:
            found[-1][1].append(entry)
        else:
            found.append((stream, [entry]))
    return found


@settings(deadline=None)
@given(days(), st.integers(0, 200), st.booleans())
def test_a_crash_anywhere_changes_nothing(day: list[Event], where: int, from_commits: bool) -> None:
    undisturbed, crashed = Aggregator(), Aggregator()
    for aggregator in (undisturbed, crashed):
        aggregator.assume()
    undisturbed.take(*day)
    crashed.take(*day[:where])
    if from_commits:
        crashed.restart()
    else:
        core = AggregatorCore(NAMES)
        core.load(crashed.core.save())
        crashed.core = core
    crashed.take(*day[where:])
    assert crashed.work.writes == undisturbed.work.writes
    assert crashed.work.counts == undisturbed.work.counts
    assert crashed.fields == undisturbed.fields


@settings(deadline=None)
@given(days(), seeds)
def test_the_views_are_the_same_set_after_any_interleaving(day: list[Event], seed: int) -> None:
    """Latest signal per strategy and symbol, if it has not expired; computed here without any order at all."""
    chance = random.Random(seed)
    day = [event for event in day if not (isinstance(event, Clock) and event.end)]
    last = clock(MORNING_S + 1)
    shuffled = day[:]
    chance.shuffle(shuffled)
    aggregator = Aggregator()
    aggregator.take(*_clocks_in_order(strategies_in_order(shuffled)), last)
    latest: dict[tuple[str, str], Signal] = {}
    for event in day:
        if isinstance(event, Signal):
            key = (event.symbol, event.strategy)
            latest[key] = max(latest.get(key, event), event, key=lambda one: one.as_of)
    unexpired = {(one.symbol, one.strategy, one.as_of) for one in latest.values() if one.expires > last.time}
    held = {(symbol, one.strategy, one.as_of) for symbol in SYMBOLS for one in aggregator.views(symbol)}
    assert held == unexpired


def _clocks_in_order(events: list[Event]) -> list[Event]:
    clocks = iter(sorted((event for event in events if isinstance(event, Clock)), key=lambda one: one.time))
    return [next(clocks) if isinstance(event, Clock) else event for event in events]


@settings(deadline=None)
@given(days())
def test_what_happens_to_one_symbol_does_not_depend_on_the_others(day: list[Event]) -> None:
    together = Aggregator()
    together.take(*day)
    for symbol in SYMBOLS:
        alone = Aggregator()
        alone.take(*(event for event in day if isinstance(event, Clock) or event.symbol == symbol))
        assert published(alone.work) == [found for found in published(together.work) if found.symbol == symbol]


def test_the_days_of_these_tests_are_eventful() -> None:
    """A guard: were the generator to make only quiet days, every promise above would be kept by silence."""
    reasons: set[object] = set()

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(days())
    def collect(day: list[Event]) -> None:
        for emission in emissions(day):
            revision = emission.revision
            reasons.add(revision.closed or (revision.state, "update" if revision.rev > 1 else "opening"))

    collect()
    assert {CloseReason.EXPIRED, CloseReason.INVALIDATED, CloseReason.SESSION_END} <= reasons
    assert {(State.TRACKING, "opening"), (State.TRACKING, "update"), (State.CONFIRMED, "update")} <= reasons
