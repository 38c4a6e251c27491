"""The risk guard as a process: the guard, whose commits keep the verdicts fresh, and beside it the auditor.

They are two stages with a chain each, because the guard must never wait for what the auditor reads.
"""

import asyncio
from collections.abc import Mapping

from dfp.log import policies
from dfp.log.connection import connect
from dfp.market.reference import ReferenceData
from dfp.risk import audit, guard
from dfp.risk.audit import AuditCore
from dfp.risk.drawdown import prior_high
from dfp.risk.guard import GuardCore
from dfp.risk.pacing import AuditReader
from dfp.risk.settings import RiskSettings
from dfp.runtime import retention
from dfp.runtime.probes import Health
from dfp.runtime.service import Service, serve
from dfp.runtime.stage import Stage, StageSpec


def main() -> None:
    """Run the risk guard until it is told to stop."""
    serve("risk-guard", RiskSettings(), run)


async def run(service: Service[RiskSettings]) -> None:
    """Judge the market, and audit what is published."""
    service.health.become("reading reference data")
    reference = await asyncio.to_thread(ReferenceData.load, service.settings.reference_data)
    # The probes answer for the guard: an auditor that is behind must not take fresh verdicts away.
    await asyncio.gather(_guard(service, reference).run(service.stop), _audit(service).run(service.stop))


def _guard(service: Service[RiskSettings], reference: ReferenceData) -> Stage:
    names, redis = service.names, connect(service.settings.redis_url)
    core = GuardCore(names, prior_high(reference))
    spec = StageSpec(
        name=guard.STAGE,
        inputs=(names.features,),
        hop="risk",
        retention={
            names.risk_verdicts: retention.VERDICTS,
            names.risk_alerts: retention.ALERTS,
            names.dead_letters: retention.DEAD_LETTERS,
        },
        vouches=True,
    )

    async def go_by_policies(first: int, last: int) -> None:
        core.start_from(await policies.read(redis, names))

    return Stage(spec, core, redis, names, service.settings.instance, service.health, before_rerun=go_by_policies)


def _audit(service: Service[RiskSettings]) -> Stage:
    names, redis = service.names, connect(service.settings.redis_url)
    spec = StageSpec(name=audit.STAGE, inputs=(names.risk_verdicts, names.opportunities, names.features), hop="risk")

    def reader(cursor: Mapping[str, int], count: int) -> AuditReader:
        return AuditReader(redis, names, cursor, count)

    core = AuditCore(names)
    return Stage(spec, core, redis, names, service.settings.instance, Health(), make_reader=reader)
