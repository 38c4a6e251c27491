"""A stage as a process: stage_process.py URL CORE INPUT OUTPUT. It runs until it is killed."""

import asyncio
import sys

import running_total
from dfp.contracts.names import Names
from dfp.log.connection import connect
from dfp.runtime.probes import Health
from dfp.runtime.stage import Stage, StageSpec

url, core, log, out = sys.argv[1:]
spec = StageSpec("total", (log,), "total")
stage = Stage(spec, getattr(running_total, core)(out), connect(url), Names("test"), "a", Health())
asyncio.run(stage.run(asyncio.Event()))
