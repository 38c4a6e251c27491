"""The synthetic feed: an invented market that never closes, for demos at any hour and for load without data.

Every row is a function of (seed, row number). A restarted collector goes on at any row at once, because a session can
be entered at any of its blocks (synthetic_session.py).
"""

from collections.abc import Callable, Iterator

from dfp.collector.feed import FeedError, RawBatch
from dfp.collector.synthetic_market import DAY, LARGEST, invent
from dfp.collector.synthetic_session import BLOCK_WAVES, SyntheticSession

BATCH_ROWS = 8_192


class SyntheticFeed:
    """Waves of snapshots of all names, session after session.

    Args:
        names: 1 to 5,551.
        seed: any whole number; the session after the first is drawn from the seed after it, and so on.
        session: first trading day, yyyymmdd.
        next_session: trading day -> the trading day behind it.
        sessions: end after so many, None = never.

    Raises:
        FeedError: `names` is not what is allowed.
    """

    def __init__(
        self,
        names: int,
        seed: int,
        session: int,
        next_session: Callable[[int], int],
        sessions: int | None = None,
    ) -> None:
        if not 1 <= names <= LARGEST:
            raise FeedError(f"names: {names} is not allowed; expected 1 to {LARGEST}, the number of listed A-shares")
        self.market = invent(names, seed)
        self.seed = seed
        self.session = session
        self.next_session = next_session
        self.sessions = sessions

    def batches(self, after: int) -> Iterator[RawBatch]:
        """See `dfp.collector.feed.Feed`."""
        symbols = self.market.symbols
        rows_a_session = len(DAY) * len(symbols)
        day, close, before = self.session, self.market.first_close, 0
        count = 0
        while self.sessions is None or count < self.sessions:
            session = SyntheticSession(self.market, self.seed + count, day, close)
            wave, skipped = divmod(max(after - before, 0), len(symbols))
            while wave < len(DAY):
                end_of_block = (wave // BLOCK_WAVES + 1) * BLOCK_WAVES
                end = min(wave + max(1, BATCH_ROWS // len(symbols)), end_of_block, len(DAY))
                rows = session.rows(wave, end, before)[skipped:]
                yield RawBatch(symbols, rows, before + end * len(symbols))
                wave, skipped = end, 0
            day, close, before = self.next_session(day), session.close, before + rows_a_session
            count += 1
