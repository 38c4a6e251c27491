"""Latency from the time at which a tick was due to its receipt at WebSocket clients, through the real pipeline.

Open loop: ticks are sent when they are due and not when the pipeline is ready for them, and the clock of a tick starts
when it is due, so that a queue is part of the figure. Producer and clients are processes of their own.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from hdrh.histogram import HdrHistogram

from benchmarks import producer, receivers
from benchmarks.pipeline import Pipeline, backlog, running
from benchmarks.producer import Sent
from benchmarks.receivers import Received, Revision
from benchmarks.result import Goal, Result, progress
from benchmarks.ticks import SECOND_NS, WAVE_NS, Market
from dfp.local.latency import ORDER
from dfp.market.calendar import Calendar
from dfp.market.phases import session_of, session_open_ns

CLIENTS = 100
QUICK = bool(os.environ.get("QUICK"))
SECONDS = 15 if QUICK else 600
WARM = 105 if QUICK else 410
"""Ticks of each name before the measurement: mean reversion needs 100, breakout 400, more than the quick form has."""

OPEN_AFTER_NS = 1800 * SECOND_NS
"""Event time of the measurement's beginning since the open; the warm-up lies before it."""

AT_ONCE = 2_000
IN_FLIGHT = 50_000
"""Raw ticks of the warm-up that may wait for the collector: far below the cap at which the oldest are dropped."""

SETTLE_S = 3.0
DRAIN_S = 60.0
EXAMPLES = Path(__file__).parent.parent / "examples"
LONGEST_US = 600_000_000

Schedule = Callable[[int], Iterator[tuple[int, int]]]
"""From the first due time, wall clock in UTC nanoseconds, to (due, number of a name)."""


@dataclass(frozen=True)
class Load:
    """What is sent.

    Attributes:
        symbols: how many names.
        schedule: pickled to the producer's process.
        wave_ns: time between two waves; None when there are none.
    """

    symbols: int
    ticks_per_minute: int
    schedule: Schedule
    wave_ns: int | None = None


@dataclass(frozen=True)
class Run:
    """What was sent and received.

    Attributes:
        begin: first due time, wall clock in UTC nanoseconds.
        shift_ns: from event time to the wall clock.
    """

    load: Load
    sent: Sent
    received: list[Received]
    revisions: dict[str, Revision]
    begin: int
    shift_ns: int


def measure(name: str, load: Load, goals: dict[str, Goal]) -> Result:
    """Run a load through a pipeline with the shipped strategies and the house policy."""
    market = Market(load.symbols, WARM, load.ticks_per_minute)
    first_event = _first_event()
    arguments = ("-f", str(EXAMPLES), "--source", "raw_ticks", "--clock", "ticks")
    context = get_context("spawn")
    with running(*arguments) as pipeline:
        _warm_up(name, pipeline, market, first_event)
        url = f"ws://127.0.0.1:{pipeline.processes()['gateway'].environ()['DFP_HTTP_PORT']}/ws/opportunities"
        here, there = context.Pipe()
        clients = context.Process(target=_receive, args=(url, CLIENTS, there))
        clients.start()
        here.recv()
        sending, told = context.Pipe(duplex=False)
        begin = time.time_ns() + int(SETTLE_S * SECOND_NS)
        cpu = pipeline.cpu_seconds()
        work = context.Process(target=_produce, args=(pipeline.url, load, market, begin, first_event - begin, told))
        work.start()
        sent = _await(name, work, sending, begin)
        work.join()
        drained, unread = _drain(pipeline, load.symbols * WARM + len(sent.late_us), sent.last_due)
        used = {service: value - cpu.get(service, value) for service, value in pipeline.cpu_seconds().items()}
        time.sleep(SETTLE_S)
        here.send("stop")
        received, revisions = here.recv()
        clients.join()
    figures = {
        **_figures(Run(load, sent, received, revisions, begin, begin - first_event)),
        "drain_ms": drained,
        "ticks_unread": float(unread),
        **{f"us_per_tick_{service}": value * 1e6 / len(sent.late_us) for service, value in sorted(used.items())},
    }
    described = {"symbols": load.symbols, "seconds": SECONDS, "ticks": len(sent.late_us), "clients": CLIENTS}
    return Result(name, figures, goals, {**described, "warm": WARM})


def _drain(pipeline: Pipeline, ticks: int, last_due: int) -> tuple[float, int]:
    """Milliseconds from the last due time until every stage has done everything, and ticks that were not even read."""
    deadline = time.monotonic() + DRAIN_S
    while (unread := ticks - pipeline.accepted()) or backlog(pipeline.positions()):
        if time.monotonic() > deadline:
            break
        time.sleep(0.005)
    return (time.time_ns() - last_due) / 1e6, unread


def _first_event() -> int:
    """Event time at which the measurement begins: a morning of the market, whatever the hour of the run."""
    calendar, session = Calendar.shanghai(), session_of(time.time_ns())
    if not calendar.is_session(session):
        session = calendar.next_session(session)
    return session_open_ns(session) + OPEN_AFTER_NS


def _warm_up(name: str, pipeline: Pipeline, market: Market, first_event: int) -> None:
    """Fill every window, no faster than the pipeline takes it, and wait until all of it is done."""
    connection = producer.Connection(pipeline.url)
    symbols, sent, taken = len(market.names), 0, 0
    for count in range(WARM):
        time_ns = first_event - (WARM - count) * WAVE_NS
        for first in range(0, symbols, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, symbols))
            connection.send(b"".join(market.tick(number, time_ns) for number in numbers))
            sent += len(numbers)
            while sent - taken > IN_FLIGHT:
                progress(f"{name}: warming up, {sent:,} of {symbols * WARM:,} ticks")
                time.sleep(0.05)
                taken = pipeline.accepted()
                connection.swallow()
    while pipeline.accepted() < sent or backlog(pipeline.positions()):
        progress(f"{name}: warming up, {backlog(pipeline.positions())} entries to go")
        time.sleep(0.2)


def _await(name: str, work: SpawnProcess, sending: "Connection[None, Sent]", begin: int) -> Sent:
    while not sending.poll(1.0):
        progress(f"{name}: {SECONDS - (time.time_ns() - begin) / SECOND_NS:4.0f} s left")
        if not work.is_alive() and not sending.poll():
            raise SystemExit("bench: the producer has failed, see above")
    return sending.recv()


def _produce(url: str, load: Load, market: Market, begin: int, shift_ns: int, told: "Connection[Sent, None]") -> None:
    told.send(producer.produce(url, load.schedule(begin), market.tick, shift_ns))


def _receive(url: str, clients: int, pipe: "Connection[object, str]") -> None:
    received, frames = asyncio.run(receivers.receive(url, clients, lambda: pipe.send("ready"), pipe.poll))
    pipe.send((received, frames.revisions))


def _figures(run: Run) -> dict[str, float]:
    latency, late = _histogram(), _histogram()
    for us in run.sent.late_us:
        late.record_value(max(us, 1))
    slowest: dict[int, int] = {}
    for client in run.received:
        for event_time, at in zip(client.event_times, client.at, strict=True):
            due = event_time + run.shift_ns
            latency.record_value(max((at - due) // 1_000, 1))
            slowest[due] = max(slowest.get(due, 0), at - due)
    receipts = sum(len(client.at) for client in run.received)
    return {
        "p50_ms": latency.get_value_at_percentile(50) / 1_000,
        "p99_ms": latency.get_value_at_percentile(99) / 1_000,
        "p999_ms": latency.get_value_at_percentile(99.9) / 1_000,
        "max_ms": latency.get_max_value() / 1_000,
        **_wave_ends(run, slowest),
        **_hops(run),
        "revisions": float(len(run.revisions)),
        "revisions_per_minute": len(run.revisions) * 60 / SECONDS,
        "receipts": float(receipts),
        "receipts_missing": float(len(run.received) * len(run.revisions) - receipts),
        "producer_late_p99_ms": late.get_value_at_percentile(99) / 1_000,
        "producer_late_max_ms": late.get_max_value() / 1_000,
    }


def _wave_ends(run: Run, slowest: dict[int, int]) -> dict[str, float]:
    """From a wave until the last client has its last revision: the median wave and the slowest."""
    if run.load.wave_ns is None:
        return {}
    drains = [ns / 1e6 for due, ns in slowest.items() if (due - run.begin) % run.load.wave_ns == 0]
    return {"wave_end_p50_ms": statistics.median(drains), "wave_end_max_ms": max(drains)} if drains else {}


def _histogram() -> HdrHistogram:
    return HdrHistogram(1, LONGEST_US, 3)


def _hops(run: Run) -> dict[str, float]:
    """The 99th percentile of the way since the due time, at each hop."""
    ways = {hop: _histogram() for hop in ORDER}
    for revision in run.revisions.values():
        for hop, at in revision.hops.items():
            ways[hop].record_value(max((at - revision.event_time - run.shift_ns) // 1_000, 1))
    reached = {hop: way for hop, way in ways.items() if way.get_total_count()}
    return {f"until_{hop}_p99_ms": way.get_value_at_percentile(99) / 1_000 for hop, way in reached.items()}
