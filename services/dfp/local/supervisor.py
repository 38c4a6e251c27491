"""Runs programs as direct children: starts them again when they end, and stops them so that nothing is left behind.

Each child leads its own session, so that Ctrl-C in the terminal reaches `dfp up` alone, which then stops the pipeline
in order; whatever a child started itself goes with its process group. If `dfp up` is killed, the tether kills the
children.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dfp.local.backoff import Backoff
from dfp.local.probe import NO_ANSWER, Probe
from dfp.runtime.tasks import end

CRASH_LOOP = 3
"""Failures in a row after which people are shown the last lines of the log."""

LAST_LINES = 8
LONG_S = 2.0
"""People are told what they wait for when it takes longer than this."""

POLL_STARTING_S, POLL_RUNNING_S = 0.1, 1.0

WRONG_SETTINGS = 2
"""Exit code of a service whose settings are wrong: starting it again cannot help."""


STOPPING, STOPPED = "stopping", "stopped"


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Attributes:
        environment: the whole environment beside what is inherited.
        log: file that takes stdout and stderr.
        probe: asks whether it is ready.
        grace_s: time between SIGTERM and SIGKILL.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    probe: Probe
    grace_s: float = 10.0


@dataclass(slots=True)
class Child:
    """A program and how it fares.

    Attributes:
        state: in words, for people.
        ready: what its probe said last.
        restarts: how often it was started again.
        failures: how often in a row it ended soon.
    """

    program: Program
    state: str = "starting"
    ready: bool = False
    pid: int | None = None
    restarts: int = 0
    failures: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: asyncio.Task[None] | None = None

    def become(self, state: str, *, ready: bool = False) -> None:
        """Enter a state."""
        self.state, self.ready = state, ready


class Supervisor:
    """A set of children.

    Args:
        say: takes a line for people.
    """

    def __init__(self, say: Callable[[str], None], backoff: Backoff | None = None) -> None:
        self.say = say
        self.backoff = backoff or Backoff()
        self.children: dict[str, Child] = {}
        self.hasten = asyncio.Event()
        """Set to end the grace of a stop now."""
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Resolves with a message when going on makes no sense."""

    def start(self, programs: Iterable[Program]) -> None:
        """Start programs and keep them running."""
        for program in programs:
            child = Child(program)
            self.children[program.name] = child
            child.keeper = asyncio.create_task(self._keep(child), name=f"keep {program.name}")

    async def until_ready(self, names: Iterable[str]) -> None:
        """Wait until each of them is ready or in a crash loop.

        A crash loop does not hold the others up: one bad strategy must not keep a pipeline from starting.
        """
        due, told = time.monotonic() + LONG_S, ""
        waiting = [self.children[name] for name in names]
        while waiting := [child for child in waiting if not child.ready and child.failures < CRASH_LOOP]:
            text = ", ".join(f"{child.program.name} ({child.state})" for child in waiting)
            if time.monotonic() >= due and text != told:
                due, told = time.monotonic() + LONG_S, text
                self.say(f"dfp: waiting for {text}")
            await asyncio.sleep(0.05)

    def crash_loops(self) -> list[str]:
        """Who ends again and again, in words. Whoever is ready now has been killed often, but has recovered."""
        looping = [child for child in self.children.values() if child.failures >= CRASH_LOOP and not child.ready]
        return [f"{child.program.name} ended {child.failures} times in a row; see its log" for child in looping]

    async def stop(self, names: Iterable[str]) -> None:
        """Stop these children together: SIGTERM, grace, SIGKILL; returns when they are gone with all they started."""
        children = [self.children[name] for name in names if name in self.children]
        for child in children:
            child.stop.set()
            child.become(STOPPING)
            if child.pid is not None:
                _signal(child.pid, signal.SIGTERM)
        keepers = [child.keeper for child in children if child.keeper is not None]
        if not keepers:
            return
        gone = asyncio.ensure_future(asyncio.wait(keepers))
        hastened = asyncio.ensure_future(self.hasten.wait())
        either: set[asyncio.Future[Any]] = {gone, hastened}
        try:
            grace_s = max(child.program.grace_s for child in children)
            await asyncio.wait(either, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hastened.cancel()
            for child in children:
                if child.pid is not None:
                    self.say(f"{child.program.name}: did not stop by itself, killed")
                    _signal_group(child.pid, signal.SIGKILL)
        await gone
        for keeper in keepers:
            keeper.result()
        for child in children:
            child.become(STOPPED)

    async def _keep(self, child: Child) -> None:
        name = child.program.name
        while not child.stop.is_set():
            started = time.monotonic()
            ending = await self._run_once(child)
            if child.stop.is_set():
                return
            if ending == f"exit code {WRONG_SETTINGS}":
                child.become("wrong settings")
                self._fail(f"{name}: {ending}\n{last_lines(child.program.log)}")
                return
            child.failures = self.backoff.failures(child.failures, time.monotonic() - started)
            delay = self.backoff.delay(child.failures)
            child.become("restarting")
            if child.failures == CRASH_LOOP:
                self.say(f"{name}: ends again and again; the end of {child.program.log}:")
                self.say(last_lines(child.program.log))
            self.say(f"{name}: {ending}, starting again in {delay:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.stop.wait(), delay)
                return
            child.restarts += 1

    async def _run_once(self, child: Child) -> str:
        """From start to end; returns how it ended, in words."""
        program = child.program
        command = (sys.executable, "-m", "dfp.local.tether", str(os.getpid()), *program.command)
        with program.log.open("ab") as log:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    env={**os.environ, **program.environment},
                    start_new_session=True,
                )
            except OSError as error:
                return f"cannot be started ({error})"
        child.pid = process.pid
        child.become("starting")
        polling = asyncio.create_task(self._poll(child))
        if child.stop.is_set():  # asked while the process was being made
            _signal(process.pid, signal.SIGTERM)
        try:
            return describe_exit(await process.wait())
        finally:
            await end(polling)
            _signal_group(process.pid, signal.SIGKILL)  # what it started and left behind
            child.pid = None
            child.ready = False

    async def _poll(self, child: Child) -> None:
        while True:
            answer = await child.program.probe()
            if not child.stop.is_set() and (answer != NO_ANSWER or child.ready):
                child.become(answer.words, ready=answer.ready)
            await asyncio.sleep(POLL_RUNNING_S if child.ready else POLL_STARTING_S)

    def _fail(self, message: str) -> None:
        if not self.failed.done():
            self.failed.set_result(message)


def describe_exit(code: int) -> str:
    """How a process ended, in words: its exit code, or the signal that killed it."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def last_lines(log: Path, count: int = LAST_LINES) -> str:
    """The last lines of a log file, indented."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError as error:
        lines = [f"({error.strerror})"]
    return "\n".join(f"    {line}" for line in lines)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
