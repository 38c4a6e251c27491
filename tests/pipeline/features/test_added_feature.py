"""A feature that is added to a running pipeline warms up alone: the others go on bit for bit, on real servers."""

from collections.abc import Sequence

import numpy as np
from redis.asyncio import Redis

from dfp.contracts.entry import Entry, Kind
from dfp.contracts.frame import Frame, decode_ticks, encode
from dfp.contracts.names import Names
from dfp.features.core import STAGE, FeatureCore
from dfp.log import snapshot
from dfp.log.chain import Chain
from dfp.log.connection import connect
from dfp.log.work import Work, Write
from dfp.runtime.probes import Health
from dfp.runtime.stage import Stage, StageSpec
from offline_chain import entries_of
from running import running
from tick_frames import is_fit, walk
from violations import entries
from waiting import reached

NAMES = Names("test")
SPEC = StageSpec(STAGE, (NAMES.clean_ticks,), "feature")
BEFORE, AFTER = [walk(seed, 200) for seed in range(8)], [walk(seed, 200) for seed in range(8, 16)]
OLD, ADDED = ("ema_20", "range_high_20", "vwap"), ("mean_50", "session_turnover")


async def test_it_warms_up_while_the_others_go_on(redis: Redis, redis_url: str) -> None:
    source = Chain(redis, NAMES, "source", "s")
    await source.claim()
    await run_over(redis, redis_url, source, OLD, BEFORE, first=1)
    await run_over(redis, redis_url, source, (*OLD, *ADDED), AFTER, first=len(BEFORE) + 1)
    made = await entries(redis, NAMES.features)
    assert [entry.seq for entry in made] == list(range(1, len(BEFORE) + len(AFTER) + 1))
    expected = undisturbed([*BEFORE, *AFTER])
    for name in OLD:
        assert column(made, name).tobytes() == column(expected, name).tobytes()
    later = made[len(BEFORE) :]
    own = np.concatenate([frame["symbol"][is_fit(frame) & (frame["last"] > 0)] for frame in AFTER]) == 7_919
    means = column(later, "mean_50")
    means = means[~np.isnan(column(later, "ema_20"))][own]
    assert np.isnan(means[:49]).all()
    assert np.isfinite(means[49:]).all()


def undisturbed(frames: Sequence[Frame]) -> list[Entry]:
    work = Work()
    ticks = [Entry(seq, Kind.TICKS, encode(frame)) for seq, frame in enumerate(frames, 1)]
    FeatureCore(NAMES, OLD).process(NAMES.clean_ticks, ticks, work)
    return entries_of(work, NAMES.features)


def column(made: Sequence[Entry], name: str) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([decode_ticks(entry.payload)[name] for entry in made])


async def run_over(
    redis: Redis, url: str, source: Chain, features: Sequence[str], frames: Sequence[Frame], first: int
) -> None:
    """Let the stage take these frames and end gracefully, with its state kept."""
    for seq, frame in enumerate(frames, first):
        await source.commit(Work([Write(NAMES.clean_ticks, Kind.TICKS, encode(frame), seq=seq)]), {})
    last = first + len(frames) - 1
    while await kept(redis) < last:  # a stage that lost its lease on a busy machine keeps nothing at its end
        stage = Stage(SPEC, FeatureCore(NAMES, features), connect(url), NAMES, "a", Health())
        async with running(stage.run):
            await reached(redis, NAMES.features, last)


async def kept(redis: Redis) -> int:
    """Where the stage was when its state was last kept."""
    found = await snapshot.load(redis, Chain(redis, NAMES, STAGE, "a"))
    return 0 if found is None else found.seq
