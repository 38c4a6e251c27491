"""The aggregator as a process."""

from collections.abc import Mapping

from dfp.aggregator.core import STAGE, AggregatorCore
from dfp.aggregator.pacing import PacedReader
from dfp.log.connection import connect
from dfp.runtime import retention
from dfp.runtime.service import Service, serve
from dfp.runtime.settings import ServiceSettings
from dfp.runtime.stage import Stage, StageSpec


def main() -> None:
    """Run the aggregator until it is told to stop."""
    serve("aggregator", ServiceSettings(), run)


async def run(service: Service[ServiceSettings]) -> None:
    """Turn signals into opportunities."""
    names = service.names
    redis = connect(service.settings.redis_url)
    spec = StageSpec(
        name=STAGE,
        inputs=(names.signals, names.features),
        hop="opportunity",
        retention={names.opportunities: retention.OPPORTUNITIES, names.dead_letters: retention.DEAD_LETTERS},
    )

    def reader(cursor: Mapping[str, int], count: int) -> PacedReader:
        return PacedReader(redis, names, cursor, count)

    core = AggregatorCore(names)
    stage = Stage(spec, core, redis, names, service.settings.instance, service.health, make_reader=reader)
    await stage.run(service.stop)
