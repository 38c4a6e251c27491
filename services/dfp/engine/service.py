"""An engine as a process: one strategy, its journal of time-outs, and the timer that bounds its handlers."""

import asyncio
import time
from typing import Any

from dfp.contracts import codec
from dfp.contracts.contained import Contained
from dfp.contracts.running_strategy import RunningStrategy
from dfp.engine.announcement import announce
from dfp.engine.assembly import assemble
from dfp.engine.core import EngineCore
from dfp.engine.deadline import Deadline
from dfp.engine.settings import EngineSettings
from dfp.log.connection import connect
from dfp.runtime import retention
from dfp.runtime.service import Service, serve
from dfp.runtime.stage import Stage, StageSpec
from dfp.runtime.tasks import end


def main() -> None:
    """Run the engine until it is told to stop.

    Raises:
        LoadError, StrategyError, ContractError: the strategy of the settings cannot run; the message says why.
    """
    settings = EngineSettings()
    with Deadline(settings.handler_cpu_ms / 1000) as deadline:
        core = assemble(
            settings.names,
            settings.strategy,
            code=settings.strategy_code,
            parameters=settings.strategy_parameters,
            universe=settings.strategy_universe,
            live=settings.strategy_mode == "Live",
            watch=deadline,
            group=settings.strategy_group,
        )
        serve(f"engine/{settings.strategy}", settings, lambda service: run(service, core))


async def run(service: Service[EngineSettings], core: EngineCore) -> None:
    """Turn features into signals."""
    names, settings = service.names, service.settings
    redis = connect(settings.redis_url)
    stage_name = f"engine/{settings.strategy}"
    journal = names.journal(stage_name)

    async def obey_journal(first: int, last: int) -> None:
        entries: Any = await redis.xrange(journal)
        core.journal.obey((codec.decode(fields[b"p"], Contained) for _, fields in entries), through=last)

    spec = StageSpec(
        name=stage_name,
        inputs=(names.features,),
        hop="signal",
        retention={
            names.signals: retention.SIGNALS,
            names.shadow_signals: retention.SIGNALS,
            journal: retention.JOURNAL,
            names.dead_letters: retention.DEAD_LETTERS,
        },
        halt_targets=("pipeline", f"strategy/{settings.strategy}"),
        shadow={names.signals: names.shadow_signals},
    )
    stage = Stage(spec, core, redis, names, settings.instance, service.health, before_rerun=obey_journal)
    telling = asyncio.create_task(announce(redis, names, _running(settings, core)))
    try:
        await stage.run(service.stop)
    finally:
        await end(telling)


def _running(settings: EngineSettings, core: EngineCore) -> RunningStrategy:
    return RunningStrategy(
        name=settings.strategy,
        mode=settings.strategy_mode,
        revision=core.revision,
        group=settings.strategy_group,
        parameters=core.parameters,
        universe=settings.strategy_universe,
        instance=settings.instance,
        since=time.time_ns(),
    )
