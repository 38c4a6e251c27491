"""Ledger, report, drain and live view, from a server that is filled by hand as the stages would fill it."""

import pytest
from redis.asyncio import Redis

from conftest import Server
from dfp.contracts import digest
from dfp.contracts.clock import Clock
from dfp.contracts.codec import encode
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Entry, Kind, to_fields
from dfp.contracts.names import Names
from dfp.local.drain import finished, waiting_for
from dfp.local.follow import Follower
from dfp.local.latency import Latencies
from dfp.local.observe import Observer, event_time, newest_time
from dfp.local.report import make
from dfp.local.stages import stages
from dfp.log.chain import Chain
from dfp.log.connection import close, connect
from dfp.log.work import Work, Write
from dfp.runtime.tasks import unless
from documents import MORNING, alert, opportunity, signal
from running import running
from waiting import until

NAMES = Names()


async def commit(redis: Redis, stage: str, work: Work, **cursor: int) -> Chain:
    chain = Chain(redis, NAMES, stage, "test")
    await chain.claim()
    await chain.commit(work, {f"dfp:{stream}": seq for stream, seq in cursor.items()})
    return chain


async def fill(redis: Redis, signals: int = 3) -> None:
    """What a small replay leaves behind, every stage caught up."""
    clock = encode(Clock(time=MORNING, session=20220601, phase=0))
    collected = Work(counts={"read": 5, "accepted": 4, "rejected/unknown-symbol": 1, "phase/MORNING": 4, "finished": 1})
    collected.writes = [Write(NAMES.clean_ticks, Kind.CLOCK, clock, seq=1)]
    letter = encode(dead_letter("collector", "unknown-symbol", "…", b"row"))
    collected.writes.append(Write(NAMES.dead_letters, Kind.DEAD_LETTER, letter))
    await commit(redis, "collector", collected)
    await commit(redis, "features", Work([Write(NAMES.features, Kind.CLOCK, clock, seq=1)]), clean_ticks=1)
    payloads = [encode(signal("breakout", n)) for n in range(signals)]
    said = Work([Write(NAMES.signals, Kind.SIGNAL, payload) for payload in payloads], digested=payloads)
    await commit(redis, "engine/breakout", said, features=1)
    shown = Work([Write(NAMES.opportunities, Kind.OPPORTUNITY, encode(opportunity("a", rev))) for rev in (1, 2)])
    shown.writes.append(Write(NAMES.risk_alerts, Kind.ALERT, encode(alert("volatility"))))
    await commit(redis, "aggregator", shown, features=1, strategy_signals=signals)


async def test_a_run_is_reported_from_its_streams_and_counters(redis: Redis) -> None:
    await fill(redis)
    follower = Follower(redis, NAMES)
    await follower.finish()
    report, problems = await make(
        redis, NAMES, follower.ledger, Latencies(paced=False), ("breakout",), {"features": 1}, ""
    )
    assert problems == []
    assert report["rows"] == {
        "read": 5,
        "accepted": 4,
        "rejected": {"unknown-symbol": 1},
        "phases": {"MORNING": 4},
    }
    assert report["streams"] == {
        "dfp:clean_ticks": 1,
        "dfp:features": 1,
        "dfp:strategy_signals": 3,
        "dfp:shadow_signals": 0,
        "dfp:opportunities": 2,
        "dfp:opportunities:held": 0,
        "dfp:outcomes": 0,
        "dfp:risk:verdicts": 0,
        "dfp:risk_alerts": 1,
        "dfp:dead_letters": 1,
    }
    assert report["signals"] == {"breakout": 3}
    assert report["opportunities"] == 1
    assert report["alerts"] == {"volatility": 1}
    assert report["dead_letters"] == {"unknown-symbol": 1}
    payloads = [encode(signal("breakout", n)) for n in range(3)]
    assert report["signal_sha256"] == {"breakout/0": digest.roll(digest.EMPTY, payloads).hex()}


async def test_a_signal_that_no_engine_committed_makes_the_report_fail(redis: Redis) -> None:
    await fill(redis)
    await redis.xadd(NAMES.signals, _fields(Kind.SIGNAL, encode(signal("breakout", 9))), "0-*")
    follower = Follower(redis, NAMES)
    await follower.finish()
    report, problems = await make(redis, NAMES, follower.ledger, Latencies(paced=False), ("breakout",), {}, "")
    assert report["errors"] == problems
    assert len(problems) == 1
    assert "signals were lost or doubled" in problems[0]


async def test_signals_that_were_trimmed_unread_make_the_report_fail(redis: Redis) -> None:
    await fill(redis)
    await redis.xtrim(NAMES.signals, minid="0-3", approximate=False)
    follower = Follower(redis, NAMES)
    await follower.finish()
    assert follower.ledger.problems == ["dfp:strategy_signals: entries 1 to 2 are missing"]
    assert follower.ledger.signals == {"breakout": 1}


async def test_an_entry_that_cannot_be_decoded_is_a_problem_and_does_not_stop_the_report(redis: Redis) -> None:
    await redis.xadd(NAMES.signals, _fields(Kind.SIGNAL, b"{}"), "0-1")
    await redis.xadd(NAMES.signals, _fields(Kind.SIGNAL, encode(signal())), "0-2")
    follower = Follower(redis, NAMES)
    await follower.finish()
    (problem,) = follower.ledger.problems
    assert problem.startswith("dfp:strategy_signals entry 1: Signal")
    assert follower.ledger.signals == {"breakout": 1}


async def test_the_report_holds_back_the_trimming_of_what_it_has_not_read(redis: Redis) -> None:
    await fill(redis)
    follower = Follower(redis, NAMES)
    await follower.hold()
    assert await redis.hget(NAMES.floors(NAMES.signals), "report") == b"0"
    await follower.finish()
    await follower.hold()
    assert await redis.hget(NAMES.floors(NAMES.signals), "report") == b"3"


async def test_a_run_has_drained_when_every_stage_and_the_client_have_everything(redis: Redis) -> None:
    links = stages(NAMES, ["breakout"], guarded=False)
    assert not await finished(redis, NAMES)
    await fill(redis)
    assert await finished(redis, NAMES)
    assert await waiting_for(redis, NAMES, links, seen=2) is None
    assert await waiting_for(redis, NAMES, links, seen=1) == "the client has seen 1 of 2 opportunities"


@pytest.mark.parametrize(
    ("stage", "stream"),
    [
        ("features", "clean_ticks"),
        ("engine/breakout", "features"),
        ("aggregator", "features"),
        ("aggregator", "strategy_signals"),
    ],
)
async def test_a_stage_that_lags_behind_is_waited_for(redis: Redis, stage: str, stream: str) -> None:
    await fill(redis)
    await redis.hincrby(NAMES.chain(stage), f"in:dfp:{stream}", -1)
    waiting = await waiting_for(redis, NAMES, stages(NAMES, ["breakout"], guarded=False), seen=2)
    assert waiting == f"{stage} has 1 entries to go"


async def test_a_stage_that_has_never_committed_has_its_whole_input_to_go(redis: Redis) -> None:
    await fill(redis)
    waiting = await waiting_for(redis, NAMES, stages(NAMES, ["breakout", "late"], guarded=False), seen=2)
    assert waiting == "engine/late has 1 entries to go"


async def test_the_live_view_shows_market_time_counters_and_the_last_opportunities(redis: Redis) -> None:
    assert await newest_time(redis, NAMES) is None
    await fill(redis)
    follower = Follower(redis, NAMES)
    await follower.finish()
    view = await Observer(redis, NAMES, stages(NAMES, ["breakout"], guarded=False)).look({}, follower.ledger)
    assert (view.event_time, view.accepted, view.signals, view.opportunities) == (MORNING, 4, 3, 1)
    assert [item.rev for item in view.latest] == [2]
    assert view.rate > 0


def test_entries_that_are_neither_ticks_nor_clock_have_no_event_time() -> None:
    assert event_time(Entry(1, Kind.SIGNAL, encode(signal()))) is None


def _fields(kind: Kind, payload: bytes) -> dict[bytes, bytes]:
    flat = to_fields(kind, payload, Write("", kind, payload).meta)
    return dict(zip(flat[::2], flat[1::2], strict=True))


async def test_a_server_that_was_killed_is_followed_on_from_where_it_was(own_server: Server) -> None:
    redis = connect(own_server.url)
    follower = Follower(redis, NAMES)
    await redis.xadd(NAMES.signals, _fields(Kind.SIGNAL, encode(signal(n=1))), "0-1")
    async with running(lambda stop: unless(stop, follower.run())):
        await until(lambda: follower.ledger.signals["breakout"] == 1)
        own_server.kill()
        own_server.start()
        again = connect(own_server.url)
        await again.xadd(NAMES.signals, _fields(Kind.SIGNAL, encode(signal(n=2))), "0-2")
        await close(again)
        await until(lambda: follower.ledger.signals["breakout"] == 2)
    await close(redis)
    assert follower.ledger.problems == []
    assert follower.ledger.digests["breakout"] == digest.roll(digest.EMPTY, (encode(signal(n=1)), encode(signal(n=2))))
