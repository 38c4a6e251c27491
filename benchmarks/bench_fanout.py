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
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import redis as redis_client
from hdrh.histogram import HdrHistogram

from benchmarks.fanout_receiver import LONGEST_US, SLACK_S
from benchmarks.result import Goal, Result, progress
from dfp.contracts import codec
from dfp.contracts.entry import Kind, Meta, to_fields
from dfp.contracts.names import Names
from dfp.contracts.opportunity import Member, Opportunity, State
from dfp.contracts.signal import Direction
from dfp.local import valkey
from dfp.local.ports import HEALTH, VALKEY, Ports

SECONDS = 6.0 if os.environ.get("QUICK") else 60.0
LOADS = ((1000, 20.0), (5000, 4.0))
SETTLE_S = 1.0
START_S = 60.0


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
    names = Names("fanout")
    ports = Ports()
    (port, health), (server_port,) = ports.take_free(2, HEALTH), ports.take_free(1, VALKEY)
    with tempfile.TemporaryDirectory(prefix="dfp-bench-") as folder, contextlib.ExitStack() as stack:
        program = valkey.program(server_port, Path(folder), Path(folder) / "valkey.log")
        stack.enter_context(_process(*program.command, log=Path(folder) / "valkey.log"))
        redis = stack.enter_context(redis_client.Redis(port=server_port))
        _until(redis.ping)
        settings = {
            "DFP_REDIS_URL": valkey.url(server_port),
            "DFP_STREAM_PREFIX": names.prefix,
            "DFP_HTTP_PORT": str(port),
            "DFP_HEALTH_PORT": str(health),
            "DFP_DRAIN_S": "1",
        }
        code = "from dfp.streamer.service import main; main()"
        streamer = stack.enter_context(_process(sys.executable, "-c", code, log=Path(folder) / "log", **settings))
        _until(lambda: _ready(health))

        def publish(due_ns: int) -> None:
            fields = to_fields(Kind.OPPORTUNITY, PAYLOAD, Meta(hops={"due": due_ns}))
            redis.execute_command("XADD", names.opportunities, "0-*", *fields)

        publish(0)
        url = f"ws://127.0.0.1:{port}/ws/opportunities"
        return _measure(f"fanout {clients}x{rate:g}", streamer, url, clients, rate, publish)


def _floor(clients: int, rate: float) -> Run:
    (port,) = Ports().take_free(1, HEALTH)
    command = (sys.executable, "-m", "benchmarks.fanout_floor", str(port))
    with _process(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sender:
        _line(sender.stdout)

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
    with _process(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as receiver:
        progress(f"{name}: connecting")
        _line(receiver.stdout)
        time.sleep(SETTLE_S)
        assert receiver.stdin is not None
        receiver.stdin.write(b"go\n")
        receiver.stdin.flush()
        chance = random.Random(clients)
        process = psutil.Process(sender.pid)
        before = process.cpu_times()
        began = due = time.time()
        while (due := due + chance.expovariate(rate)) < began + SECONDS:
            time.sleep(max(0.0, due - time.time()))
            publish(int(due * 1e9))
            progress(f"{name}: {began + SECONDS - due:4.0f} s left")
        time.sleep(SLACK_S / 2)
        after = process.cpu_times()
        found: dict[str, Any] = json.loads(_line(receiver.stdout))
    histogram = HdrHistogram(1, LONGEST_US, 3)
    histogram.decode_and_add(found["histogram"])
    cpu = after.user + after.system - before.user - before.system
    return Run(histogram, found["frames"], found["messages"], cpu)


@contextlib.contextmanager
def _process(
    *command: str, log: Path | None = None, stdin: int | None = None, stdout: int | None = None, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is ended with the block."""
    with contextlib.ExitStack() as stack:
        output: IO[bytes] | int | None = stdout if log is None else stack.enter_context(log.open("ab"))
        environment = {**os.environ, **environment}
        started = subprocess.Popen(command, env=environment, stdin=stdin, stdout=output)
        try:
            yield started
        finally:
            started.terminate()
            started.communicate()


def _line(stream: IO[bytes] | None) -> bytes:
    assert stream is not None
    line = stream.readline()
    if not line:
        raise SystemExit("bench: a process of the benchmark has ended")
    return line


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError, redis_client.exceptions.ConnectionError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise SystemExit("bench: a process of the benchmark does not get ready")
        time.sleep(0.05)


def _ready(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
        return bool(answer.status == 200)
