"""The whole chain without server and processes: the pure cores over a file, to compare the real one with."""

from collections.abc import Iterator
from pathlib import Path

from dfp.collector.core import CollectorCore
from dfp.collector.framing import FrameRows
from dfp.collector.replay import ReplayFeed
from dfp.contracts import digest
from dfp.contracts.entry import Entry
from dfp.contracts.names import Names
from dfp.engine.assembly import assemble
from dfp.engine.core import EngineCore
from dfp.engine.deadline import NoDeadline
from dfp.features.catalog import DEFAULT
from dfp.features.core import FeatureCore
from dfp.log.work import Work
from dfp_operator.api.manifest import parse
from dfp_operator.api.strategy import Strategy
from dfp_operator.plan.engine import GROUP_LABEL


def entries_of(work: Work, stream: str) -> list[Entry]:
    """What a commit of `work` would append to a stream whose numbers the writer gives."""
    return [Entry(write.seq or 0, write.kind, write.payload) for write in work.writes if write.stream == stream]


def log_of(file: Path, names: Names, frame_rows: str) -> Iterator[list[Entry]]:
    """Batches of the log of record that the collector writes for a file."""
    core = CollectorCore(names, lambda session: True, FrameRows.parse(frame_rows))
    for batch in ReplayFeed([file]).batches(0):
        work = Work()
        core.take(batch, work)
        yield entries_of(work, names.clean_ticks)
    work = Work()
    core.finish(work)
    yield entries_of(work, names.clean_ticks)


def example_engines(names: Names, examples: Path) -> dict[str, EngineCore]:
    """An engine for each Strategy manifest below `examples`; its code lies beside it."""
    engines: dict[str, EngineCore] = {}
    for path in sorted(examples.rglob("*.yaml")):
        for manifest in parse(path.read_text(), str(path)):
            if isinstance(manifest, Strategy):
                name, spec = manifest.metadata.name, manifest.spec
                module, _, kind = (spec.code.entry_point or "").partition(":")
                engines[name] = assemble(
                    names,
                    name,
                    code=f"file:{path.parent / module}.py:{kind}",
                    parameters=spec.parameters,
                    universe={},
                    live=True,
                    watch=NoDeadline(),
                    group=manifest.metadata.labels.get(GROUP_LABEL, ""),
                )
    return engines


def signal_digests(file: Path, examples: Path, frame_rows: str = "512") -> dict[str, str]:
    """`signal_sha256` of the example strategies over a file, and nothing but pure cores ran."""
    names = Names()
    engines = example_engines(names, examples)
    features = FeatureCore(names, DEFAULT)
    rolled = dict.fromkeys(engines, digest.EMPTY)
    for log in log_of(file, names, frame_rows):
        work = Work()
        features.process(names.clean_ticks, log, work)
        entries = entries_of(work, names.features)
        for name, engine in engines.items():
            said = Work()
            engine.process(names.features, entries, said)
            rolled[name] = digest.roll(rolled[name], said.digested)
    return {f"{name}/0": value.hex() for name, value in rolled.items()}
