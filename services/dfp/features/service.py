"""The feature stage as a process."""

import asyncio

from dfp.features.core import STAGE, FeatureCore
from dfp.features.settings import FeatureSettings
from dfp.log.connection import connect
from dfp.runtime import retention
from dfp.runtime.service import Service, serve
from dfp.runtime.stage import Stage, StageSpec


def main() -> None:
    """Run the feature stage until it is told to stop.

    Raises:
        ContractError: a feature of the settings does not exist.
    """
    settings = FeatureSettings()
    core = FeatureCore(settings.names, settings.features)
    serve("features", settings, lambda service: run(service, core))


async def run(service: Service[FeatureSettings], core: FeatureCore) -> None:
    """Turn the log into features."""
    names = service.names
    service.health.become("compiling the feature kernel")
    await asyncio.to_thread(core.warm_up)
    redis = connect(service.settings.redis_url)
    spec = StageSpec(
        name=STAGE,
        inputs=(names.clean_ticks,),
        hop="feature",
        retention={names.features: retention.FEATURES, names.dead_letters: retention.DEAD_LETTERS},
    )
    await Stage(spec, core, redis, names, service.settings.instance, service.health).run(service.stop)
