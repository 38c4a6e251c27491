"""Pages of a list, joined, are the list as it was when the first one was asked for, whatever comes meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from dfp.api.memory import Opportunities, Signals
from dfp.api.routes.opportunities import OpportunityQuery
from dfp.api.routes.signals import SignalQuery
from dfp.contracts import codec
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.opportunity import State
from documents import signal
from revisions import entry, revision

SYMBOLS = ("600000.SH", "000001.SZ")


@st.composite
def arrivals(draw: st.DrawFn) -> list[int]:
    """How many entries are there at first, and how many come before each page."""
    return draw(st.lists(st.integers(0, 12), min_size=1, max_size=8))


@given(arrivals(), st.integers(1, 7), st.sampled_from([None, *SYMBOLS]))
def test_pages_of_signals_joined_equal_the_whole_while_new_ones_arrive(
    coming: list[int], limit: int, symbol: str | None
) -> None:
    store = Signals()
    seq = 0

    def arrive(count: int) -> None:
        nonlocal seq
        for _ in range(count):
            seq += 1
            made = signal(n=seq, symbol=SYMBOLS[seq % 3 == 0])
            store.take(Entry(seq, Kind.SIGNAL, codec.encode(made)), made)

    arrive(coming.pop(0) * 3)
    everything = SignalQuery(symbol=symbol, limit=1000)
    whole, rest = everything.take(store.newest_first(), everything.passes)
    assert rest is None
    joined, cursor = [], None
    while True:
        query = SignalQuery(symbol=symbol, limit=limit, cursor=cursor)
        page, cursor = query.take(store.newest_first(), query.passes)
        joined += page
        if cursor is None:
            break
        assert len(page) == limit
        arrive(coming.pop() if coming else 0)
    assert joined == whole


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=30),
    st.lists(st.lists(st.integers(0, 14), max_size=4), max_size=10),
    st.integers(1, 4),
)
def test_pages_of_opportunities_lack_only_those_that_were_revised_meanwhile_and_repeat_none(
    first: list[int], later: list[list[int]], limit: int
) -> None:
    store = Opportunities()
    revs: dict[int, int] = {}
    seq = 0

    def arrive(which: int) -> None:
        nonlocal seq
        if revs.get(which, 0) >= 4:
            return
        seq += 1
        revs[which] = revs.get(which, 0) + 1
        state = State.CLOSED if revs[which] == 4 else State.TRACKING
        made = revision(f"{which}", revs[which], state=state)
        store.take(entry(seq, made), made)

    for which in first:
        arrive(which)
    whole = [found.opportunity.id for found in store.newest_first()]
    joined: list[str] = []
    cursor, revised = None, set[str]()
    while True:
        query = OpportunityQuery(limit=limit, cursor=cursor)
        page, cursor = query.take(store.newest_first(), query.passes)
        joined += [found.opportunity.id for found in page]
        if cursor is None:
            break
        for which in later.pop() if later else ():
            arrive(which)
            revised.add(f"{which}")
    assert len(joined) == len(set(joined))
    assert set(joined) <= set(whole)
    assert set(whole) - set(joined) <= revised
    assert joined == [identifier for identifier in whole if identifier in joined]
