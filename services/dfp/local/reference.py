"""Which reference data a run goes by: what is given, and for an invented market an invented table."""

from collections.abc import Sequence
from pathlib import Path

from dfp.local.options import Options
from dfp.local.source import Source

FILE = "reference.parquet"


def reference_data(options: Options, folder: Path) -> Sequence[Path]:
    """The tables of a run. Imports a feed and computes, so it is not for an event loop."""
    if options.reference or options.source is not Source.SYNTHETIC:
        return options.reference
    from dfp.collector.settings import SyntheticOptions
    from dfp.collector.synthetic_reference import write_reference

    market = SyntheticOptions.model_validate({"feed": Source.SYNTHETIC.value, **options.feed_options()})
    path = folder / FILE
    write_reference(path, market.symbols, market.seed, market.session)
    return (path,)
