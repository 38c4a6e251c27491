"""The store holds the latest revision of each opportunity, and of the closed ones a bounded number."""

from dfp.api.store import Store
from dfp.contracts.opportunity import State
from revisions import entry, revision


def ids(store: Store) -> list[str]:
    return [found.opportunity.id for found in store.newest_first()]


def test_the_latest_revision_replaces_the_one_before_and_comes_first() -> None:
    store = Store()
    for seq, taken in enumerate([revision("a", 1), revision("b", 1), revision("a", 2)], 1):
        store.take(entry(seq, taken), taken)
    assert ids(store) == ["a", "b"]
    found = store.get("a")
    assert found is not None
    assert (found.seq, found.opportunity.rev, store.seq) == (3, 2, 3)


def test_a_revision_that_is_not_newer_is_dropped_but_its_entry_counts_as_read() -> None:
    store = Store()
    for seq, taken in enumerate([revision("a", 2), revision("a", 1, confidence=0.9)], 1):
        store.take(entry(seq, taken), taken)
    found = store.get("a")
    assert found is not None
    assert (found.opportunity.rev, store.seq) == (2, 2)


def test_closed_and_open_opportunities_are_merged_newest_first() -> None:
    store = Store()
    sequence = [revision("a"), revision("b"), revision("a", 2, state=State.CLOSED), revision("c")]
    for seq, taken in enumerate(sequence, 1):
        store.take(entry(seq, taken), taken)
    assert ids(store) == ["c", "a", "b"]
    assert [found.opportunity.id for found in store.open()] == ["b", "c"]


def test_the_oldest_closed_opportunities_are_forgotten_and_open_ones_never() -> None:
    store = Store(closed_kept=2)
    still_open = revision("open")
    store.take(entry(1, still_open), still_open)
    for seq in range(2, 7):
        closed = revision(f"closed-{seq}", state=State.CLOSED)
        store.take(entry(seq, closed), closed)
    assert ids(store) == ["closed-6", "closed-5", "open"]


def test_a_reset_forgets_everything_until_it_has_caught_up_again() -> None:
    store = Store()
    taken = revision()
    store.take(entry(1, taken), taken)
    store.caught_up()
    assert store.complete
    store.reset("the log was replaced")
    assert (ids(store), store.seq, store.complete) == ([], 0, False)
