"""Plays a scenario to a pipeline that takes raw ticks, and waits for what should come of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from redis.asyncio import Redis

from dfp.contracts import codec
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.risk import Alert
from dfp.contracts.signal import Signal
from dfp.local.health import State, data
from dfp.local.mistake import UserMistake
from dfp.local.observe import newest_time
from dfp.local.owner import Owner
from dfp.local.scenario import Scenario
from dfp.log.extent import last_seq
from dfp.log.reader import Reader
from dfp.market.calendar import Calendar
from dfp.market.phases import Phase, phase_at, session_of, session_open_ns

LIVE_NS = 10_000_000_000
"""A log whose clock is that close to ours goes by it, and refuses ticks of the future."""

AT_ONCE = 50
WAIT_S = 20.0
PROGRESS_S = 2.0
RAW_TICKS = "raw_ticks"

Say = Callable[[str], None]


async def play(redis: Redis, names: Names, scenario: Scenario, symbol: str, say: Say) -> bool:
    """Send a scenario's ticks; whether everything that is expected of it was seen.

    Raises:
        UserMistake: the pipeline does not take raw ticks.
    """
    await _check_feed(redis, names)
    start, paced = await _start(redis, names, scenario)
    effects = Effects(redis, names, symbol)
    await effects.begin()
    say(f"{scenario.name}: {scenario.story}")
    await _send(redis, names, scenario, symbol, start, paced=paced, say=say)
    if "silence" in scenario.expected:
        return await _silence(redis, names, say)
    return await effects.seen(scenario.expected, say)


async def _check_feed(redis: Redis, names: Names) -> None:
    held: Any = await redis.get(names.owner)
    try:
        feed = msgspec.json.decode(held or b"{}", type=Owner).feed
    except msgspec.MsgspecError:
        feed = "nothing"
    if feed != RAW_TICKS:
        raise UserMistake(
            f"the pipeline under {names.prefix!r} reads {feed}, and nobody would take the ticks; start one with: "
            "dfp up --source raw_ticks --clock ticks"
        )


async def _start(redis: Redis, names: Names, scenario: Scenario) -> tuple[int, bool]:
    """Event time of the first tick, and whether the ticks have to keep to the wall clock."""
    now, newest = time.time_ns(), await newest_time(redis, names)
    if newest is not None and abs(now - newest) < LIVE_NS and phase_at(now) is Phase.CONTINUOUS:
        return now, True
    start = 0 if newest is None else newest + 1_000_000_000
    if phase_at(start) is Phase.CONTINUOUS and phase_at(start + scenario.length_ns) is Phase.CONTINUOUS:
        return start, False
    calendar = Calendar.shanghai()
    session = session_of(now if newest is None else newest)
    if newest is not None or not calendar.is_session(session):
        session = calendar.next_session(session)
    return session_open_ns(session) + 120_000_000_000, False


async def _send(
    redis: Redis, names: Names, scenario: Scenario, symbol: str, start: int, *, paced: bool, say: Say
) -> None:
    ticks = list(scenario.ticks(symbol, start))
    told = time.monotonic()
    size = 1 if paced else AT_ONCE
    for first in range(0, len(ticks), size):
        chunk = ticks[first : first + size]
        if paced:
            await asyncio.sleep(max(0.0, (chunk[0][0] - time.time_ns()) / 1e9))
        pipe = redis.pipeline(transaction=False)
        for _, tick in chunk:
            pipe.xadd(names.raw_ticks, {"d": msgspec.json.encode(tick)})
        await pipe.execute()
        if time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            say(f"sent {first + len(chunk):,} of {len(ticks):,} ticks")
    say(f"sent {len(ticks):,} ticks of {symbol}")


async def _silence(redis: Redis, names: Names, say: Say) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = await data(redis, names, finished=False)
        say(f"data: {found.state}, {found.words}")
        if found.state is State.DEGRADED:
            return True
    return False


class Effects:
    """What comes out of a pipeline on one symbol from now on."""

    def __init__(self, redis: Redis, names: Names, symbol: str) -> None:
        self._redis = redis
        self._streams = (names.signals, names.opportunities, names.opportunities_held, names.risk_alerts)
        self._symbol = symbol
        self._reader = Reader(redis, {})

    async def begin(self) -> None:
        """Pass over what is there already."""
        self._reader = Reader(self._redis, {stream: await last_seq(self._redis, stream) for stream in self._streams})

    async def seen(self, expected: tuple[str, ...], say: Say) -> bool:
        """Tell what comes until everything expected has, or nothing more does."""
        missing = set(expected)
        async for kind, words in self._each():
            say(f"{kind}: {words}")
            missing.discard(kind)
            if not missing:
                return True
        say(f"nothing more came in {WAIT_S:g} s; missing: {', '.join(sorted(missing))}; see dfp tap dead_letters")
        return False

    async def _each(self) -> AsyncIterator[tuple[str, str]]:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for entries in (await self._reader.read(block_ms=500)).values():
                for entry in entries:
                    told = _told(entry, self._symbol)
                    if told is not None:
                        yield told


def _told(entry: Entry, symbol: str) -> tuple[str, str] | None:
    """What an entry says of a symbol, None for others."""
    match entry.kind:
        case Kind.SIGNAL:
            signal = codec.decode(entry.payload, Signal)
            words = f"{signal.strategy} says {signal.direction} on {signal.symbol}: {signal.reason}"
            return ("signal", words) if signal.symbol == symbol else None
        case Kind.OPPORTUNITY:
            found = codec.decode(entry.payload, Opportunity)
            words = f"{found.symbol} {found.side} {found.state}, confidence {found.confidence:.2f}, risk {found.risk}"
            return ("opportunity", words) if found.symbol == symbol else None
        case Kind.ALERT:
            alert = codec.decode(entry.payload, Alert)
            return ("alert", f"{alert.severity} {alert.rule} on {alert.target}: {alert.message}")
        case _:
            return None
