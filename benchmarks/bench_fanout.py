"""How long a message takes to the last of many WebSocket clients, and what a send costs beside a bare sender.

A real streamer process reads a real Redis, into which this process writes revisions of about 1 kB at random times (open
loop, Poisson): latency runs from the time at which one was due to be written, so a queue anywhere counts. The clients
are another process. The floor is a picows server that does nothing but send the same bytes to as many clients.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import redis as redis_client
from hdrh.histogram import HdrHistogram

from benchmarks.fanout_receiver import LONGEST_US, SLACK_S
from benchmarks.processes import PORTS, line, process, service
from benchmarks.redis_server import running
from benchmarks.result import Goal, Result, progress
from dfp.contracts import codec
from dfp.contracts.entry import Kind, Meta, to_fields
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Member, Opportunity, State
from dfp.contracts.signal import Direction
from dfp.local.ports import HEALTH

SECONDS = 6.0 if os.environ.get("QUICK") else 60.0
LOADS = ((1000, 20.0), (5000, 4.0))
SETTLE_S = 1.0
NAMES = Names("fanout")


def _opportunity() -> bytes:
    member = Member(
        strategy="order-book-imbalance",
        group="microstructure",
        signal="0123456789abcdef01234567",
        confidence=0.7,
        strength=60.0,
        as_of=1_654_047_000_000_000_000,
        expires=1_654_047_600_000_000_000,
        half_life_ns=300_000_000_000,
        reason="bids outweigh asks by 0.62 over the last 50 ticks",
    )
    return codec.encode(
        Opportunity(
            id="0123456789abcdef01234567",
            rev=1,
            symbol="600000.SH",
            session=20220601,
            side=Direction.UP,
            state=State.TRACKING,
            confidence=0.7,
            strength=60.0,
            opened=member.as_of,
            as_of=member.as_of,
            expires=member.expires,
            reference_price=10.5,
            members=[member] * 3,
        )
    )


PAYLOAD = _opportunity()


@dataclass
class Run:
    """Clients of one sender for `SECONDS`.

    Attributes:
        delays: from due to receipt, microseconds.
        frames, messages: received by all clients together.
        cpu_s: of the sender.
    """

    delays: HdrHistogram
    frames: int
    messages: int
    cpu_s: float

    @property
    def cpu_us_per_send(self) -> float:
        """CPU time of the sender for each frame that a client received."""
        return self.cpu_s / self.frames * 1e6


def run() -> Result:
    """Measure."""
    figures: dict[str, float] = {}
    for clients, rate in LOADS:
        name = f"{clients}x{rate:g}"
        found, floor = _streamer(clients, rate), _floor(clients, rate)
        for percentile, quantile in (("p50", 50.0), ("p99", 99.0), ("p999", 99.9), ("max", 100.0)):
            figures[f"{percentile}_ms_{name}"] = found.delays.get_value_at_percentile(quantile) / 1000
        figures[f"floor_p99_ms_{name}"] = floor.delays.get_value_at_percentile(99.0) / 1000
        figures[f"cpu_us_per_send_{name}"] = found.cpu_us_per_send
        figures[f"floor_cpu_us_per_send_{name}"] = floor.cpu_us_per_send
        figures[f"messages_per_frame_{name}"] = found.messages / found.frames
        figures[f"ratio_to_floor_cpu_{name}"] = found.cpu_us_per_send / floor.cpu_us_per_send
    figures["ratio_to_floor_cpu"] = max(figures[f"ratio_to_floor_cpu_{clients}x{rate:g}"] for clients, rate in LOADS)
    goals = {
        "p99_ms_1000x20": Goal("<=", 15),
        "p99_ms_5000x4": Goal("<=", 67),
        "ratio_to_floor_cpu": Goal("<=", 1.5),
    }
    return Result("fanout", figures, goals, {"seconds": SECONDS, "message_bytes": len(PAYLOAD)})


def _streamer(clients: int, rate: float) -> Run:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(running())
        redis = stack.enter_context(redis_client.Redis.from_url(url))
        streamer = stack.enter_context(service("streamer", url, NAMES.prefix, DFP_DRAIN_S="1"))

        def publish(due_ns: int) -> None:
            fields = to_fields(Kind.OPPORTUNITY, PAYLOAD, Meta(hops={"due": due_ns}))
            redis.execute_command("XADD", NAMES.opportunities, "0-*", *fields)

        publish(0)
        address = f"ws://127.0.0.1:{streamer.port}/ws/opportunities"
        return _measure(f"fanout {clients}x{rate:g}", streamer.process, address, clients, rate, publish)


def _floor(clients: int, rate: float) -> Run:
    (port,) = PORTS.take_free(1, HEALTH)
    command = (sys.executable, "-m", "benchmarks.fanout_floor", str(port))
    with process(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sender:
        line(sender.stdout)

        def publish(due_ns: int) -> None:
            assert sender.stdin is not None
            message = b'{"type":"opportunity","id":"0-1","payload":%b,"hops":{"due":%d,"push":%d}}\n'
            sender.stdin.write(message % (PAYLOAD, due_ns, due_ns))
            sender.stdin.flush()

        return _measure(f"floor {clients}x{rate:g}", sender, f"ws://127.0.0.1:{port}", clients, rate, publish)


def _measure(
    name: str,
    sender: "subprocess.Popen[bytes]",
    url: str,
    clients: int,
    rate: float,
    publish: Callable[[int], None],
) -> Run:
    """Connect the clients, write for `SECONDS` at the times that are due, and read what the clients have found."""
    command = (sys.executable, "-m", "benchmarks.fanout_receiver", url, str(clients), str(SECONDS))
    with process(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as receiver:
        progress(f"{name}: connecting")
        line(receiver.stdout)
        time.sleep(SETTLE_S)
        assert receiver.stdin is not None
        receiver.stdin.write(b"go\n")
        receiver.stdin.flush()
        chance = random.Random(clients)
        watched = psutil.Process(sender.pid)
        before = watched.cpu_times()
        began = due = time.time()
        while (due := due + chance.expovariate(rate)) < began + SECONDS:
            time.sleep(max(0.0, due - time.time()))
            publish(int(due * 1e9))
            progress(f"{name}: {began + SECONDS - due:4.0f} s left")
        time.sleep(SLACK_S / 2)
        after = watched.cpu_times()
        found: dict[str, Any] = json.loads(line(receiver.stdout))
    histogram = HdrHistogram(1, LONGEST_US, 3)
    histogram.decode_and_add(found["histogram"])
    cpu = after.user + after.system - before.user - before.system
    return Run(histogram, found["frames"], found["messages"], cpu)
