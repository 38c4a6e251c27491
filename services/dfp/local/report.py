"""The report of a run: what went in, what came out, how fast, and the digests that two runs can be compared by."""

from collections.abc import Iterable, Mapping
from typing import Any

from redis.asyncio import Redis

from dfp.contracts import digest
from dfp.contracts.names import Names
from dfp.local.latency import Latencies
from dfp.local.ledger import Ledger
from dfp.local.stages import counters
from dfp.log.extent import last_seq

Report = dict[str, Any]


def rows(counts: Mapping[str, int]) -> Report:
    """The collector's counters in the report's form."""

    def under(prefix: str) -> dict[str, int]:
        return {name.removeprefix(prefix): n for name, n in sorted(counts.items()) if name.startswith(prefix)}

    return {
        "read": counts.get("read", 0),
        "accepted": counts.get("accepted", 0),
        "rejected": under("rejected/"),
        "phases": under("phase/"),
    }


def compose(
    counts: Mapping[str, int],
    lengths: Mapping[str, int],
    ledger: Ledger,
    latencies: Latencies,
    strategies: Iterable[str],
    restarts: Mapping[str, int],
    policies: str,
) -> Report:
    """The report, from figures that were gathered.

    Args:
        counts: the collector's counters.
        lengths: stream -> entries ever added.
        policies: version of the policy bundle, empty without one.
        strategies: those that ran; one without a signal is reported with 0 and the digest of nothing.
    """
    return {
        "rows": rows(counts),
        "streams": dict(lengths),
        "latency_ms": latencies.summary(),
        "signals": {name: ledger.signals[name] for name in strategies},
        "opportunities": ledger.opportunities,
        "outcomes": ledger.outcomes,
        "risk": {"policies": policies, "held": dict(sorted(ledger.held.items()))},
        "alerts": dict(sorted(ledger.alerts.items())),
        "dead_letters": dict(sorted(ledger.dead_letters.items())),
        "restarts": dict(restarts),
        "signal_sha256": {f"{name}/0": ledger.digests.get(name, digest.EMPTY).hex() for name in strategies},
    }


def mismatches(report: Report, chains: Mapping[str, bytes]) -> list[str]:
    """Strategies whose stream does not hold what their engine committed, in words.

    Args:
        chains: strategy -> digest that its engine's chain holds.
    """
    found: list[str] = []
    for name, committed in chains.items():
        streamed = report["signal_sha256"][f"{name}/0"]
        if streamed != committed.hex():
            found.append(
                f"signal_sha256 of {name}: the stream gives {streamed[:16]}…, its engine committed "
                f"{committed.hex()[:16]}…; signals were lost or doubled"
            )
    return found


def in_short(report: Report) -> str:
    """The report in one line."""
    read, p99 = report["rows"], report["latency_ms"]["end_to_end"]["p99"]
    parts = (
        f"{read['accepted']:,} of {read['read']:,} rows accepted",
        f"{sum(report['signals'].values()):,} signals",
        f"{report['opportunities']:,} opportunities",
        "no opportunity measured" if p99 is None else f"p99 {p99:,.1f} ms end to end",
    )
    return ", ".join(parts)


async def lengths(redis: Redis, names: Names) -> dict[str, int]:
    """Entries ever added to each stream. An entry's id is its number, so trimming does not change it."""
    streams = (
        names.clean_ticks,
        names.features,
        names.signals,
        names.shadow_signals,
        names.opportunities,
        names.opportunities_held,
        names.outcomes,
        names.risk_verdicts,
        names.risk_alerts,
        names.dead_letters,
    )
    return {stream: await last_seq(redis, stream) for stream in streams}


async def committed_digests(redis: Redis, names: Names, strategies: Iterable[str]) -> dict[str, bytes]:
    """Strategy -> digest in its engine's chain."""
    found: dict[str, bytes] = {}
    for name in strategies:
        held: Any = await redis.hget(names.chain(f"engine/{name}"), "digest")
        found[name] = bytes.fromhex(held.decode()) if held else digest.EMPTY
    return found


async def make(
    redis: Redis,
    names: Names,
    ledger: Ledger,
    latencies: Latencies,
    strategies: tuple[str, ...],
    restarts: Mapping[str, int],
    policies: str,
) -> tuple[Report, list[str]]:
    """The report of a run whose services have stopped, and what is wrong with it, in words."""
    counts = await counters(redis, names, "collector")
    report = compose(counts, await lengths(redis, names), ledger, latencies, strategies, restarts, policies)
    problems = [*ledger.problems, *mismatches(report, await committed_digests(redis, names, strategies))]
    if problems:
        report["errors"] = problems
    return report, problems
