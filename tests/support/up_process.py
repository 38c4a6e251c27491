"""`dfp up` as a process, with ports and a state folder of its own."""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from conftest import free_port


@dataclass
class Up:
    """One `dfp up`."""

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        """Start it; its output goes to a file."""
        self.ports = {option: free_port() for option in ("--http-port", "--api-port", "--ws-port")}
        chosen = [text for option, port in self.ports.items() for text in (option, str(port))]
        with (self.folder / "out").open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dfp.cli", "up", *chosen, *arguments],
                env={**os.environ, "XDG_STATE_HOME": str(self.folder)},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """Everything that it said."""
        return (self.folder / "out").read_text()

    def end(self, timeout_s: float = 120) -> int:
        """Its exit code, when it has ended."""
        assert self.process is not None
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running; it said:\n{self.output}") from None

    def until_open(self) -> None:
        """Wait until the pipeline says that it can be opened."""
        assert self.process is not None
        deadline = time.monotonic() + 120
        while "dfp: open http" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def children(self) -> dict[str, psutil.Process]:
        """Service name -> its process, as far as they run now."""
        assert self.process is not None
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):  # it has ended since
                name = child.environ().get("DFP_INSTANCE") or ("valkey" if "valkey" in child.exe() else None)
                if name:
                    found[name] = child
        return found

    def child(self, name: str) -> psutil.Process:
        """A service's process, waited for: it may be about to be started again."""
        deadline = time.monotonic() + 60
        while (found := self.children().get(name)) is None:
            assert self.process is not None
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)
        return found
