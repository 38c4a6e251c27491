"""`dfp up`: the whole pipeline on one machine, from its manifests to its report.

The collector starts last and stops first, so that everything it reads finds its way through, and no latency is made of
start-up time.
"""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis

from dfp.contracts.names import Names
from dfp.contracts.policy import Bundle
from dfp.local import owner, valkey
from dfp.local.client import Client
from dfp.local.directory import DataDirectory, announce, remove_leftovers
from dfp.local.drain import finished, waiting_for
from dfp.local.follow import Follower
from dfp.local.latency import Latencies
from dfp.local.observe import Observer
from dfp.local.options import Options
from dfp.local.ports import HEALTH, VALKEY, Ports
from dfp.local.programs import plan, processes, program, stop_groups
from dfp.local.reference import reference_data
from dfp.local.report import in_short, make
from dfp.local.resolve import Resolved, names_of, resolve
from dfp.local.rules import in_words
from dfp.local.screen import Screen
from dfp.local.source import Source
from dfp.local.stages import AGGREGATOR, RISK_GUARD, StageInputs, stages
from dfp.local.supervisor import Supervisor, last_lines
from dfp.log import policies
from dfp.log.connection import UNREACHABLE, close, connect
from dfp.runtime.tasks import end
from dfp_operator.plan.policies import policy_bundle
from dfp_operator.plan.process import ProcessSpec

DRAIN_S = 15.0
"""How long a stop waits for what is under way behind the collector."""

LOOK_S = 1.0
POLL_S = 0.1

COLLECTOR = "collector"

T = TypeVar("T")


class Stopped(Exception):
    """The user asked for the end."""


class Failed(Exception):
    """The pipeline cannot go on; the message says why."""


async def up(options: Options, screen: Screen) -> int:
    """Run a pipeline from start to end; returns the exit code: 0 for a clean end, 1 for a failure.

    Raises:
        UserMistake: something that was asked for is not possible. In any case nothing is left running.
    """
    async with AsyncExitStack() as stack:
        ports = stack.enter_context(contextlib.closing(Ports()))
        ports.take_doors(
            {"--http-port": options.http_port, "--api-port": options.api_port, "--ws-port": options.ws_port}
        )
        stack.callback(screen.close)
        remove_leftovers()
        data = DataDirectory(options.data_dir)
        stack.callback(data.remove)
        run = Run(options, screen, data, ports)
        stack.enter_context(run.signals())
        stack.push_async_callback(run.stop_everything)
        try:
            return await run.from_start_to_end(stack)
        except Stopped:
            return 0
        except Failed as error:
            screen.say(f"dfp: {error}")
            return 1


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What is watched of a pipeline that runs."""

    redis: Redis
    names: Names
    strategies: tuple[str, ...]
    bundle: Bundle
    stages: Sequence[StageInputs]
    follower: Follower
    latencies: Latencies
    client: Client


@dataclass(slots=True)
class Run:
    """One run, step by step."""

    options: Options
    screen: Screen
    data: DataDirectory
    ports: Ports
    supervisor: Supervisor = field(init=False)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    specs: Sequence[ProcessSpec] = ()
    background: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.screen.say)

    async def from_start_to_end(self, stack: AsyncExitStack) -> int:
        """Everything between the checks and the report; returns the exit code.

        Raises:
            Stopped, Failed: before the pipeline ran.
        """
        options, names = self.options, Names(self.options.prefix)
        resolved = await self._unless_over(resolve(options.manifests, self.data.path / "code"))
        url, redis = await self._unless_over(self._server(names, stack))
        reference = await self._unless_over(asyncio.to_thread(reference_data, options, self.data.path))
        self.specs = plan(options, resolved, url, self.ports.take_free(processes(resolved), HEALTH), reference)
        pipeline = self._pipeline(redis, names, resolved)
        await policies.write(redis, names, pipeline.bundle)
        await pipeline.follower.hold()
        stack.callback(announce(url, options.prefix, self.data.path).unlink, missing_ok=True)
        stack.push_async_callback(self._end_background)
        self._in_background(pipeline.follower.run(), self._watch(pipeline))
        failed = False
        try:
            await self._unless_over(self._start_services())
            self._in_background(pipeline.client.run())
            await self._unless_over(self._start_collector(pipeline))
            self.screen.say(f"dfp: open http://localhost:{options.http_port} (redis {url}, logs {self.data.logs})")
            if options.source is Source.RAW_TICKS:
                self.screen.say(f"dfp: waiting for ticks on {names.raw_ticks}; try: dfp trigger breakout")
            await self._until_the_end(pipeline)
        except Stopped:
            pass
        except Failed as error:
            self.screen.say(f"dfp: {error}")
            failed = True
        unwell = self.supervisor.crash_loops()
        for problem in unwell:
            self.screen.say(f"dfp: error: {problem}")
        await self._stop_services(pipeline, drain=not failed)
        await self._end_background()
        self.screen.close()
        try:
            problems = await self._report(pipeline)
        except UNREACHABLE as error:
            raise Failed(f"no report, because redis is gone: {error}") from None
        return 1 if problems or unwell or failed else 0

    def _pipeline(self, redis: Redis, names: Names, resolved: Resolved) -> Pipeline:
        strategies = tuple(names_of(resolved.strategies))
        latencies = Latencies(paced=self.options.speed is not None)
        return Pipeline(
            redis=redis,
            names=names,
            strategies=strategies,
            bundle=policy_bundle(resolved.policies, resolved.strategies),
            stages=stages(names, strategies, guarded=bool(resolved.policies)),
            follower=Follower(redis, names),
            latencies=latencies,
            client=Client(self.options.ws_port, latencies),
        )

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM asks for a stop in order, the second hastens it."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        if self.stop.is_set():
            self.screen.say("dfp: stopping at once")
            self.supervisor.hasten.set()
        else:
            self.screen.say("dfp: stopping (once more to stop at once)")
            self.stop.set()

    async def _server(self, names: Names, stack: AsyncExitStack) -> tuple[str, Redis]:
        """A server that answers and whose prefix is ours, for as long as the stack lives."""
        url = self.options.redis_url
        if url is None:
            (port,) = self.ports.take_free(1, VALKEY)
            url = valkey.url(port)
            self.supervisor.start([valkey.program(port, self.data.valkey, self.data.logs / f"{valkey.NAME}.log")])
            await self._until_ready([valkey.NAME])
        redis = connect(url)
        stack.push_async_callback(close, redis)
        await owner.check_reachable(redis, url)
        mine = await owner.claim(redis, names, owner.this_process(self.options.source.value))
        stack.push_async_callback(self._release, redis, names, mine)
        return url, redis

    async def _release(self, redis: Redis, names: Names, mine: bytes) -> None:
        with contextlib.suppress(*UNREACHABLE):  # then the claim is stale, which the next claimant will see
            await owner.release(redis, names, mine)

    async def _start_services(self) -> None:
        others = [spec for spec in self.specs if spec.name != COLLECTOR]
        self.supervisor.start(program(spec, self.data.logs) for spec in others)
        await self._until_ready([spec.name for spec in others])

    async def _start_collector(self, pipeline: Pipeline) -> None:
        """When everybody listens."""
        await pipeline.client.connected.wait()
        await self._policies_acknowledged(pipeline)
        self.supervisor.start(program(spec, self.data.logs) for spec in self.specs if spec.name == COLLECTOR)
        await self._until_ready([COLLECTOR])

    async def _policies_acknowledged(self, pipeline: Pipeline) -> None:
        """Wait until everyone who goes by the policies says so; then no tick is judged by others."""
        wanted = [AGGREGATOR, RISK_GUARD] if pipeline.bundle.policies else []
        while wanted:
            found = await policies.acknowledged(pipeline.redis, pipeline.names)
            wanted = [stage for stage in wanted if found.get(stage) != pipeline.bundle.version]
            await asyncio.sleep(POLL_S if wanted else 0)
        for policy in pipeline.bundle.policies:
            whom = "every strategy" if policy.strategies is None else ", ".join(policy.strategies) or "no strategy"
            mode = "" if policy.enforce else ", observes only"
            self.screen.say(f"dfp: policy {policy.name} binds {whom}: {', '.join(map(in_words, policy.rules))}{mode}")

    async def _until_ready(self, names: Sequence[str]) -> None:
        await self.supervisor.until_ready(names)
        for name in names:
            child = self.supervisor.children[name]
            if not child.ready:
                raise Failed(f"{name} does not start; the end of its log:\n{last_lines(child.program.log)}")

    async def _until_the_end(self, pipeline: Pipeline) -> None:
        replay = self.options.source is Source.REPLAY
        try:
            async with asyncio.timeout(self.options.duration_s):
                await self._unless_over(self._drained(pipeline) if replay else _never())
        except TimeoutError:
            if replay:
                self.screen.say("dfp: the time of --for is over before the replay has drained")

    async def _drained(self, pipeline: Pipeline) -> None:
        """Wait until everything that the collector read has come through; a lost server is waited for."""
        redis, names = pipeline.redis, pipeline.names
        ended = self.stop.is_set()
        while True:
            with contextlib.suppress(*UNREACHABLE):
                ended = ended or await finished(redis, names)
                if ended and await waiting_for(redis, names, pipeline.stages, pipeline.client.seen) is None:
                    return
            await asyncio.sleep(POLL_S)

    async def _stop_services(self, pipeline: Pipeline, *, drain: bool) -> None:
        """The collector, then what is under way, then one group after the other."""
        first, *rest = stop_groups(self.specs)
        self.stop.set()
        await self.supervisor.stop(first)
        if drain:
            draining = asyncio.create_task(self._drained(pipeline))
            hastened = asyncio.create_task(self.supervisor.hasten.wait())
            await asyncio.wait({draining, hastened}, timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED)
            if not draining.done():
                self.screen.say("dfp: stopped before everything that was read had come through")
            await end(draining, hastened)
        for group in rest:
            await self.supervisor.stop(group)

    async def stop_everything(self) -> None:
        """Stop whatever still runs; the server last."""
        services = [name for group in stop_groups(self.specs) for name in group]
        await self.supervisor.stop(services)
        await self.supervisor.stop([valkey.NAME])

    async def _watch(self, pipeline: Pipeline) -> None:
        observer = Observer(pipeline.redis, pipeline.names, pipeline.stages)
        while True:
            with contextlib.suppress(*UNREACHABLE):
                self.screen.show(await observer.look(self.supervisor.children, pipeline.follower.ledger))
            await asyncio.sleep(LOOK_S)

    def _in_background(self, *work: Coroutine[Any, Any, None]) -> None:
        self.background += [asyncio.create_task(one) for one in work]

    async def _end_background(self) -> None:
        await end(*self.background)
        self.background = []

    async def _unless_over(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` unless the run ends before.

        Raises:
            Stopped: the user asked for it.
            Failed: the supervisor cannot go on.
        """
        task = asyncio.create_task(work)
        stopping = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait(
                {task, stopping, self.supervisor.failed, *self.background}, return_when=asyncio.FIRST_COMPLETED
            )
            if task.done():
                return task.result()
            for watcher in self.background:
                if watcher.done():
                    watcher.result()  # it ends by an error only, which must not pass in silence
        finally:
            await end(task, stopping)
        if self.supervisor.failed.done():
            raise Failed(self.supervisor.failed.result())
        raise Stopped

    async def _report(self, pipeline: Pipeline) -> list[str]:
        """Hand the report over; returns what is wrong with the run."""
        await pipeline.follower.finish()
        restarts = {name: child.restarts for name, child in self.supervisor.children.items()}
        report, problems = await make(
            pipeline.redis,
            pipeline.names,
            pipeline.follower.ledger,
            pipeline.latencies,
            pipeline.strategies,
            restarts,
            pipeline.bundle.version,
        )
        for problem in problems:
            self.screen.say(f"dfp: error: {problem}")
        if self.options.report is not None:
            self.options.report.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
            self.screen.say(f"dfp: report in {self.options.report}")
        self.screen.say(f"dfp: {in_short(report)}")
        return problems


async def _never() -> None:
    await asyncio.Event().wait()
