"""The aggregator as a process."""

import asyncio
from collections.abc import Mapping

from dfp.aggregator.core import STAGE, AggregatorCore
from dfp.aggregator.pacing import PacedReader
from dfp.aggregator.settings import AggregatorSettings
from dfp.log.connection import connect
from dfp.market.reference import ReferenceData
from dfp.runtime import retention
from dfp.runtime.service import Service, serve
from dfp.runtime.stage import Stage, StageSpec


def main() -> None:
    """Run the aggregator until it is told to stop."""
    serve("aggregator", AggregatorSettings(), run)


async def run(service: Service[AggregatorSettings]) -> None:
    """Turn signals into opportunities."""
    names = service.names
    redis = connect(service.settings.redis_url)
    spec = StageSpec(
        name=STAGE,
        inputs=(names.signals, names.risk_verdicts, names.features),
        hop="opportunity",
        retention={
            names.opportunities: retention.OPPORTUNITIES,
            names.opportunities_held: retention.HELD,
            names.outcomes: retention.OUTCOMES,
            names.risk_alerts: retention.ALERTS,
            names.dead_letters: retention.DEAD_LETTERS,
        },
    )

    def reader(cursor: Mapping[str, int], count: int) -> PacedReader:
        return PacedReader(redis, names, cursor, count)

    reference = await asyncio.to_thread(ReferenceData.load, service.settings.reference_data)
    core = AggregatorCore(names, lambda symbol, session: reference.facts(symbol, session).sector)
    stage = Stage(spec, core, redis, names, service.settings.instance, service.health, make_reader=reader)
    await stage.run(service.stop)
