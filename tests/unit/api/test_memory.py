"""What the API remembers beside the latest revisions: bounded, and void after a reset."""

from msgspec.structs import replace

from dfp.api.examples import OUTCOME
from dfp.api.memory import STRATEGIES_KEPT, Memory, Outcomes, Signals
from dfp.api.readiness import Readiness
from dfp.api.revisions import Revisions
from dfp.api.verdicts import Standing
from dfp.contracts import codec
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.outcome import Outcome
from dfp.contracts.risk import Action, Decision, Verdict, Verdicts
from dfp.runtime.probes import Health
from documents import signal
from revisions import entry, revision


def outcome(identifier: str) -> Outcome:
    return replace(OUTCOME, id=identifier)


def test_the_oldest_documents_are_forgotten_first() -> None:
    store = Outcomes(kept=2)
    for seq in range(1, 5):
        made = outcome(f"{seq}")
        store.take(Entry(seq, Kind.OUTCOME, codec.encode(made)), made)
    assert [item.seq for item in store.newest_first()] == [4, 3]
    assert store.get("1") is None
    assert store.get("4") == codec.encode(outcome("4"))
    assert (store.size().items, store.size().limit) == (2, 2)
    store.reset("replaced")
    assert (list(store.newest_first()), store.get("4"), store.complete) == ([], None, False)


def test_a_history_is_oldest_first_and_loses_its_beginning_when_there_is_too_much() -> None:
    revisions = Revisions(kept=3)
    for seq, (identifier, rev) in enumerate([("a", 1), ("a", 2), ("b", 1), ("a", 2), ("a", 3)], 1):
        made = revision(identifier, rev)
        revisions.take(entry(seq, made), made)
    assert revisions.of("a") == [codec.encode(revision("a", rev)) for rev in (2, 3)]
    assert revisions.of("b") == [codec.encode(revision("b"))]
    assert revisions.of("c") == []
    assert revisions.size().items == 3


def verdict(target: str, decision: Decision = Decision.BREACH, until: int = 0) -> Verdict:
    return Verdict(
        policy="p", rule="r", target=target, action=Action.BLOCK, enforce=True, decision=decision,
        value=None, threshold=1.0, until=until,
    )  # fmt: skip


def told(standing: Standing, *verdicts: Verdict, complete: bool = False, version: str = "1", seq: int = 1) -> None:
    said = Verdicts(version=version, seq=seq, time=seq, complete=complete, verdicts=list(verdicts))
    standing.take(Entry(1, Kind.VERDICTS, b""), said)


def test_verdicts_stand_until_they_are_ok_and_unlocked() -> None:
    standing = Standing()
    told(standing, verdict("symbol/a"), verdict("strategy/s"), complete=True)
    told(standing, verdict("symbol/a", Decision.OK, until=9), verdict("symbol/b"))
    assert [found.target for found in standing.all()] == ["strategy/s", "symbol/a", "symbol/b"]
    told(standing, verdict("symbol/a", Decision.OK), seq=7)
    assert [found.target for found in standing.all()] == ["strategy/s", "symbol/b"]
    assert (standing.version, standing.seq) == ("1", 7)


def test_a_complete_statement_replaces_what_was_said_of_symbols_and_by_other_policies() -> None:
    standing = Standing()
    told(standing, verdict("symbol/a"), verdict("strategy/s"), complete=True)
    told(standing, verdict("symbol/b"), complete=True)
    assert [found.target for found in standing.all()] == ["strategy/s", "symbol/b"]
    told(standing, complete=True, version="2")
    assert (standing.all(), standing.version) == ([], "2")


def test_the_last_signal_of_a_strategy_is_known_until_its_stream_is_replaced() -> None:
    memory = Memory()
    made = signal("quiet")
    memory.shadow_signals.take(Entry(1, Kind.SIGNAL, codec.encode(made)), made)
    assert memory.last_signal_of("quiet") == made.as_of
    memory.shadow_signals.reset("replaced")
    assert memory.last_signal_of("quiet") is None


def test_of_too_many_strategies_the_one_that_was_silent_for_longest_is_forgotten() -> None:
    signals = Signals()
    for n in range(STRATEGIES_KEPT + 1):
        for made in (signal(f"s{n}"), signal("talks")):
            signals.take(Entry(1, Kind.SIGNAL, codec.encode(made)), made)
    assert signals.last_of("s0") is None
    assert signals.last_of("talks") is not None


def test_a_service_is_ready_when_every_feed_is_and_tells_of_one_that_is_not() -> None:
    whole = Health()
    joint = Readiness(whole)
    one, other = joint.part(), joint.part()
    one.become("serving", ready=True)
    assert (whole.state, whole.ready) == ("reading the log", False)
    other.become("serving", ready=True)
    assert (whole.state, whole.ready) == ("serving", True)
    other.become("redis is not reachable")
    assert (whole.state, whole.ready) == ("redis is not reachable", False)


def test_the_memory_says_how_full_each_store_is() -> None:
    memory = Memory()
    made = revision()
    memory.opportunities.take(entry(1, made), made)
    sizes = dict(memory.sizes())
    assert (sizes["opportunities"].items, sizes["revisions"].items, sizes["signals"].items) == (1, 1, 0)
    assert all(size.limit > 0 for size in sizes.values())
