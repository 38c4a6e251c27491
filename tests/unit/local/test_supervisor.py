"""Real child processes: small Python programs that do what services do."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from dfp.local.backoff import Backoff
from dfp.local.probe import NO_ANSWER, Readiness
from dfp.local.supervisor import Program, Supervisor, describe_exit, last_lines
from waiting import until

QUICK = Backoff(first_s=0.01, longest_s=0.05)


class House:
    """A supervisor and what it said, with programs that leave marks in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.supervisor = Supervisor(self.said.append, QUICK)

    def program(self, name: str, body: str, grace_s: float = 20.0) -> Program:
        """A program that is ready when its body has called ready()."""
        code = f"import os, signal, sys, time, pathlib\nmarks = pathlib.Path({str(self.folder)!r})\n"
        code += "def mark(text):\n    with (marks / 'marks').open('a') as f: f.write(text + '\\n')\n"
        code += f"def ready(): (marks / {name + '.ready'!r}).write_text(str(os.getpid()))\n"
        code += textwrap.dedent(body)

        async def probe() -> Readiness:
            file = self.folder / f"{name}.ready"
            child = self.supervisor.children[name]
            good = file.exists() and file.read_text() == str(child.pid)
            return Readiness(True, "serving") if good else NO_ANSWER

        return Program(name, (sys.executable, "-c", code), {"GIVEN": name}, self.folder / f"{name}.log", probe, grace_s)

    def marks(self) -> list[str]:
        file = self.folder / "marks"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    house.supervisor.hasten.set()
    await house.supervisor.stop(list(house.supervisor.children))


SERVE = """
    signal.signal(signal.SIGTERM, lambda *_: (mark('stopped ' + os.environ['GIVEN']), sys.exit(0)))
    ready()
    while True: time.sleep(60)
"""


DEAF = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready()
    time.sleep(600)
"""


async def test_a_program_is_a_direct_child_with_its_environment_and_a_log_of_its_own(house: House) -> None:
    program = house.program("hello", "\n    print('hello from', os.environ['GIVEN'], os.getppid(), flush=True)" + SERVE)
    house.supervisor.start([program])
    await house.supervisor.until_ready(["hello"])
    assert program.log.read_text() == f"hello from hello {os.getpid()}\n"
    child = house.supervisor.children["hello"]
    assert (child.state, child.ready, child.restarts) == ("serving", True, 0)
    assert house.supervisor.crash_loops() == []


async def test_a_killed_program_is_started_again_and_counted(house: House) -> None:
    house.supervisor.start([house.program("service", SERVE)])
    child = house.supervisor.children["service"]
    for restarts in (1, 2):
        await house.supervisor.until_ready(["service"])
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda first=first: child.pid not in (None, first))
        assert child.restarts == restarts
    await house.supervisor.until_ready(["service"])
    assert any("killed by SIGKILL, starting again in" in line for line in house.said)


async def test_a_program_that_was_killed_often_and_is_ready_again_is_no_crash_loop(house: House) -> None:
    house.supervisor.start([house.program("service", SERVE)])
    child = house.supervisor.children["service"]
    for _ in range(4):
        await until(lambda: child.ready)
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda first=first: child.pid not in (None, first))
    await until(lambda: child.ready)
    assert child.failures >= 4
    assert house.supervisor.crash_loops() == []


async def test_a_crash_loop_is_shown_with_the_end_of_its_log_and_holds_nobody_up(house: House) -> None:
    house.supervisor.start([house.program("bad", "print('cannot go on', flush=True); sys.exit(1)")])
    await house.supervisor.until_ready(["bad"])
    await until(lambda: any("cannot go on" in line for line in house.said))
    assert any("bad: ends again and again; the end of" in line for line in house.said)
    assert any("exit code 1" in line for line in house.said)
    (loop,) = house.supervisor.crash_loops()
    assert loop.startswith("bad ended ")


async def test_a_program_that_does_not_exist_is_tried_again_with_its_reason(house: House) -> None:
    program = Program("gone", ("/no/such/program",), {}, house.folder / "gone.log", house.program("x", "").probe)
    house.supervisor.start([program])
    await house.supervisor.until_ready(["gone"])
    assert "No such file or directory" in last_lines(program.log)


async def test_wrong_settings_end_everything_with_the_message_of_the_service(house: House) -> None:
    house.supervisor.start([house.program("engine", "print('dfp: DFP_STRATEGY is not set'); sys.exit(2)")])
    message = await asyncio.wait_for(house.supervisor.failed, 30)
    assert message == "engine: exit code 2\n    dfp: DFP_STRATEGY is not set"
    assert house.supervisor.children["engine"].state == "wrong settings"


async def test_programs_stop_in_the_order_that_is_asked_for(house: House) -> None:
    house.supervisor.start([house.program(name, SERVE) for name in ("a", "b", "c")])
    await house.supervisor.until_ready(["a", "b", "c"])
    for names in (["b"], ["c", "a"]):
        await house.supervisor.stop(names)
    stopped = house.marks()
    assert stopped[0] == "stopped b"
    assert sorted(stopped[1:]) == ["stopped a", "stopped c"]
    assert {child.state for child in house.supervisor.children.values()} == {"stopped"}
    assert all(child.restarts == 0 for child in house.supervisor.children.values())


async def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(house: House) -> None:
    house.supervisor.start([house.program("deaf", DEAF, grace_s=0.2)])
    await house.supervisor.until_ready(["deaf"])
    await asyncio.wait_for(house.supervisor.stop(["deaf"]), 30)
    assert house.said[-1] == "deaf: did not stop by itself, killed"


async def test_hastening_ends_the_grace_at_once(house: House) -> None:
    house.supervisor.start([house.program("deaf", DEAF, grace_s=600.0)])
    await house.supervisor.until_ready(["deaf"])
    stopping = asyncio.create_task(house.supervisor.stop(["deaf"]))
    await until(lambda: house.supervisor.children["deaf"].state == "stopping")
    assert not stopping.done()
    house.supervisor.hasten.set()
    await asyncio.wait_for(stopping, 30)


async def test_a_program_that_waits_for_its_restart_stops_at_once(house: House) -> None:
    house.supervisor.backoff = Backoff(first_s=600, longest_s=600)
    house.supervisor.start([house.program("bad", "sys.exit(1)")])
    await until(lambda: house.supervisor.children["bad"].state == "restarting")
    await asyncio.wait_for(house.supervisor.stop(["bad"]), 30)
    assert house.supervisor.children["bad"].restarts == 0


async def test_what_a_killed_program_had_started_goes_with_it(house: House) -> None:
    body = """
        import subprocess
        helper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
        mark(str(helper.pid))
        ready()
        time.sleep(600)
    """
    house.supervisor.start([house.program("parent", body)])
    await house.supervisor.until_ready(["parent"])
    helper = psutil.Process(int(house.marks()[0]))
    pid = house.supervisor.children["parent"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: gone(helper))


async def test_a_slow_start_is_told_in_the_words_of_the_program(house: House) -> None:
    program = house.program("slow", "time.sleep(600)")
    begun = asyncio.get_running_loop().time()

    async def probe() -> Readiness:
        return Readiness(asyncio.get_running_loop().time() - begun > 2.5, "compiling feature kernel")

    house.supervisor.start([Program("slow", program.command, {}, program.log, probe)])
    await house.supervisor.until_ready(["slow"])
    assert house.said == ["dfp: waiting for slow (compiling feature kernel)"]


async def test_nothing_is_left_when_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    code = f"""
        import asyncio, pathlib, sys
        from dfp.local.probe import NO_ANSWER
        from dfp.local.supervisor import Program, Supervisor

        async def probe(): return NO_ANSWER

        async def main():
            log = pathlib.Path({str(tmp_path / "child.log")!r})
            child = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
            supervisor = Supervisor(print)
            supervisor.start([Program("child", (sys.executable, "-c", child), {{}}, log, probe)])
            await asyncio.sleep(600)

        asyncio.run(main())
    """
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", textwrap.dedent(code))
    log = tmp_path / "child.log"
    await until(lambda: log.exists() and log.read_text().strip())
    child = psutil.Process(int(log.read_text()))
    parent.kill()
    await parent.wait()
    await until(lambda: gone(child))


def gone(process: psutil.Process) -> bool:
    """Whether it has ended; a zombie only waits for its parent."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit code 0"), (1, "exit code 1"), (-9, "killed by SIGKILL"), (-63, "killed by signal 63")]
)
def test_an_end_is_described_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words


def test_the_end_of_a_log_is_cut_to_a_few_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n" for n in range(10_000)))
    assert last_lines(log, 2) == "    line 9998\n    line 9999"
    assert last_lines(tmp_path / "none") == "    (No such file or directory)"
