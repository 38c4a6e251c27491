"""One session of the synthetic feed, drawn in two steps.

Block edges come first, for the whole session; then, when they are wanted, the waves between two edges: prices as a
Brownian bridge, volume as random parts of the block's volume. So no block depends on another one.
"""

import numpy as np

from dfp.collector.feed import ROW, Rows
from dfp.collector.synthetic_market import (
    AUCTION,
    CLOSING,
    CONTINUOUS,
    DAY,
    Floats,
    Ints,
    Market,
    limit_prices,
    wave_times,
)

BLOCK_WAVES = 20
"""One minute of continuous trading; of the whole market it takes 12 MB."""

BURST_SHARE = 0.001
"""Part of the blocks in which a price runs away on high volume: about one name in five has one in a session."""

BURST_RETURN, BURST_VOLUME = 0.012, 5.0

FENS = 100
"""Prices are drawn as whole 0.01 yuan."""


class SyntheticSession:
    """All waves of one trading day.

    Args:
        close: closing prices of the session before, yuan, one a name.

    Attributes:
        close: closing prices of this one.
    """

    def __init__(self, market: Market, seed: int, day: int, close: Floats) -> None:
        self.market = market
        self.seed = seed
        self.times = wave_times(day)
        self.pre_close = close
        self.limit_up, self.limit_down = limit_prices(market.symbols, day, close)
        self.paths, self.volumes, self.turnovers = self._edges()
        self.close = self._prices(self.paths[-1]) / FENS
        self._drawn: tuple[int, Rows] | None = None

    def rows(self, first: int, end: int, before: int) -> Rows:
        """Rows of the waves `first` to `end`, of one block, numbered behind the `before` rows of earlier sessions."""
        names = len(self.market.symbols)
        block = first // BLOCK_WAVES
        if self._drawn is None or self._drawn[0] != block:
            self._drawn = (block, self._draw(block))
        start = block * BLOCK_WAVES
        rows = self._drawn[1][(first - start) * names : (end - start) * names].copy()
        rows["number"] += before
        rows["fingerprint"] = rows["number"]
        return rows

    def bar(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """Open, high, low and close in 0.01 yuan, as they are at block edges, and volume in shares, one a name.

        Prices between two edges, which nothing has drawn yet, may go a little beyond this high and low.
        """
        prices = self._prices(self.paths)[1:]
        whole = prices[np.flatnonzero(DAY.kind == CONTINUOUS)[0] // BLOCK_WAVES :]
        return whole[0], whole.max(axis=0), whole.min(axis=0), whole[-1], _lots(self.volumes[-1]).astype(np.int64)

    def _edges(self) -> tuple[Floats, Floats, Floats]:
        """Return since the previous close, volume and turnover at the block edges: edges x names."""
        names = len(self.market.symbols)
        starts = np.arange(0, len(DAY), BLOCK_WAVES)
        variance = np.add.reduceat(DAY.variance, starts)[:, None]
        activity = np.add.reduceat(DAY.activity, starts)[:, None]
        rng = np.random.default_rng((self.seed, 1))
        shape = (len(starts), names)
        burst = (rng.random(shape) < BURST_SHARE) & (activity > 0)
        steps = rng.standard_normal(shape) * np.sqrt(variance) * self.market.volatility
        steps += burst * BURST_RETURN * (0.7 + rng.random(shape)) * np.where(rng.random(shape) < 0.6, 1, -1)
        traded = activity * self.market.shares * (0.4 + 0.6 * rng.standard_exponential(shape))
        traded *= np.where(burst, BURST_VOLUME, 1.0)
        paths = _from_zero(steps)
        middle = self.pre_close * (1 + (paths[1:] + paths[:-1]) / 2)
        return paths, _from_zero(traded), _from_zero(traded * middle)

    def _prices(self, path: Floats) -> Ints:
        """Whole 0.01 yuan, within the limits."""
        ideal = np.rint(self.pre_close * (1 + path) * FENS)
        return np.clip(ideal, np.rint(self.limit_down * FENS), np.rint(self.limit_up * FENS)).astype(np.int64)

    def _draw(self, block: int) -> Rows:
        waves = slice(block * BLOCK_WAVES, min((block + 1) * BLOCK_WAVES, len(DAY)))
        kind = DAY.kind[waves][:, None]
        shape = (len(kind), len(self.market.symbols))
        rng = np.random.default_rng((self.seed, 2, block))
        rows = np.zeros(shape, ROW)
        rows["number"] = np.arange(waves.start * shape[1], waves.stop * shape[1]).reshape(shape) + 1
        rows["symbol"] = np.arange(shape[1])
        rows["time"] = self.times[waves][:, None] + self.market.offset
        rows["pre_close"] = self.pre_close
        rows["limit_up"], rows["limit_down"] = self.limit_up, self.limit_down

        price = self._prices(self._bridge(rng.standard_normal(shape), waves, block))
        last = price / FENS
        rows["last"] = np.where(kind == AUCTION, 0.0, last)
        called = (kind == AUCTION) | (kind == CLOSING)  # bid1 = ask1 is the virtual price of a call auction
        at_bid = rng.random(shape) < 0.5
        rows["bid1"] = np.where(called | at_bid, last, (price - 1) / FENS)
        rows["ask1"] = np.where(called | ~at_bid, last, (price + 1) / FENS)
        rows["bid1_volume"] = 100 * rng.integers(1, 500, shape, dtype=np.int32)
        rows["ask1_volume"] = 100 * rng.integers(1, 500, shape, dtype=np.int32)
        self._lock_at_limits(rows, price, called)

        weights = DAY.activity[waves][:, None] * (0.2 + rng.standard_exponential(shape))
        rows["volume"] = _lots(_between(self.volumes[block : block + 2], weights))
        rows["turnover"] = np.round(_between(self.turnovers[block : block + 2], weights * last), 2)
        return rows.ravel()

    def _bridge(self, noise: Floats, waves: slice, block: int) -> Floats:
        """Paths that begin and end at the block's edges; returns since the previous close, waves x names."""
        variance = DAY.variance[waves][:, None]
        walk = np.cumsum(noise * np.sqrt(variance) * self.market.volatility, axis=0)
        passed = np.cumsum(variance, axis=0)
        part = passed / max(float(passed[-1, 0]), 1e-300)
        start, end = self.paths[block], self.paths[block + 1]
        path: Floats = start + walk + part * (end - start - walk[-1])
        return path

    def _lock_at_limits(self, rows: Rows, price: Ints, called: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
        """At the upper limit nobody sells, at the lower one nobody buys; the empty side is 0, as exchanges send it."""
        up = (price >= np.rint(self.limit_up * FENS)) & ~called
        down = (price <= np.rint(self.limit_down * FENS)) & ~called
        rows["bid1"][up] = rows["last"][up]
        rows["ask1"][up] = rows["ask1_volume"][up] = 0
        rows["ask1"][down] = rows["last"][down]
        rows["bid1"][down] = rows["bid1_volume"][down] = 0


def _lots(shares: Floats) -> Floats:
    """Whole lots of 100, in shares."""
    whole: Floats = 100 * np.floor(shares / 100)
    return whole


def _from_zero(steps: Floats) -> Floats:
    """Cumulative sums over the first axis with a row of zeros in front."""
    return np.concatenate((np.zeros((1, steps.shape[1])), np.cumsum(steps, axis=0)))


def _between(edges: Floats, weights: Floats) -> Floats:
    """Rising values from one edge to the next, in steps in proportion to `weights`, down the first axis."""
    passed = np.cumsum(weights, axis=0)
    part = passed / np.maximum(passed[-1], 1e-300)
    values: Floats = edges[0] + (edges[1] - edges[0]) * part
    return values
