"""The feeds of the API on a real server: what they pass over, where they go on, when they begin again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from api_log import META, morning, tick_frame, write
from dfp.api import examples
from dfp.api.memory import Feeds, Memory
from dfp.contracts import codec
from dfp.contracts.entry import Kind, to_fields
from dfp.contracts.names import Names
from dfp.log.connection import connect
from dfp.runtime.probes import Health
from waiting import until

NAMES = Names("feeds")


@pytest.fixture
async def memory(redis: Redis, redis_url: str) -> AsyncIterator[Memory]:
    """A memory that follows a morning, and has caught up with it."""
    await morning(redis, NAMES)
    memory, health, stop = Memory(), Health(), asyncio.Event()
    own = connect(redis_url)
    following = asyncio.create_task(Feeds(own, NAMES, memory, health).run(stop))
    await until(lambda: health.ready)
    yield memory
    stop.set()
    await following
    await own.aclose()


async def test_an_entry_that_is_not_what_the_stream_is_for_is_passed_over(memory: Memory, redis: Redis) -> None:
    await write(redis, NAMES.signals, Kind.SIGNAL, b"{}", examples.ALERT)
    await write(redis, NAMES.signals, Kind.ALERT, examples.SIGNAL)
    await redis.xadd(NAMES.signals, {"nonsense": "x"}, id="0-5")
    await write(redis, NAMES.signals, Kind.SIGNAL, examples.SHADOW_SIGNAL)
    await until(lambda: memory.signals.size().items == 2)
    assert [item.seq for item in memory.signals.newest_first()] == [6, 1]


async def test_features_go_on_behind_entries_that_were_trimmed_before_they_were_read(
    memory: Memory, redis: Redis
) -> None:
    fields = to_fields(Kind.CLOCK, codec.encode(examples.CLOCK), META)
    await redis.execute_command("XADD", NAMES.features, "0-100", *fields)
    await write(redis, NAMES.features, Kind.FEATURES, tick_frame())

    def has_both() -> bool:
        row = memory.market.row(examples.SYMBOL)
        return row is not None and len(memory.market.last_ticks(row, 9)) == 2

    await until(has_both)


async def test_a_stream_with_a_hole_that_must_be_whole_is_read_from_its_beginning_again(
    memory: Memory, redis: Redis
) -> None:
    fields = to_fields(Kind.ALERT, codec.encode(examples.ALERT), META)
    await redis.xtrim(NAMES.risk_alerts, maxlen=0, approximate=False)
    await redis.execute_command("XADD", NAMES.risk_alerts, "0-9", *fields)
    await until(lambda: [item.seq for item in memory.alerts.newest_first()] == [9])
    await until(lambda: memory.alerts.complete)


async def test_what_a_replaced_log_does_not_have_is_forgotten(memory: Memory, redis: Redis) -> None:
    await redis.flushall()
    await until(lambda: not memory.market.symbols.names and not memory.opportunities.revisions.size().items)
    await until(lambda: not memory.signals.size().items and memory.last_signal_of(examples.STRATEGY) is None)
    await until(lambda: not memory.verdicts.all() and memory.outcomes.get(examples.OUTCOME.id) is None)
    await morning(redis, NAMES)
    await until(lambda: memory.outcomes.get(examples.OUTCOME.id) is not None)
