"""The pure core of the feature stage: every entry of the log in, the same entry with features out."""

from collections.abc import Iterable, Sequence

import numpy as np

from dfp.contracts import codec
from dfp.contracts.clock import Gap
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Frame, decode_ticks, encode
from dfp.contracts.names import Names
from dfp.features.catalog import parse_all
from dfp.features.program import compile_program
from dfp.features.table import Table
from dfp.log.work import Work, Write

STAGE = "features"


class FeatureCore:
    """Implements `dfp.log.work.Core` over the log of record: each output reuses the number of its input.

    Args:
        features: names, see `dfp.features.catalog`; each becomes a float64 column, ordered by name.

    Raises:
        ContractError: a name is not in the catalogue.
    """

    def __init__(self, names: Names, features: Iterable[str]) -> None:
        self.names = names
        self.features = parse_all(features)
        self.table = Table(compile_program(self.features))
        self._columns = [feature.name for feature in self.features]

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        """See `dfp.log.work.Core`. Clock entries and gaps pass through; what cannot be read becomes a gap."""
        for entry in entries:
            kind, payload = entry.kind, entry.payload
            if kind is Kind.TICKS:
                try:
                    frame = decode_ticks(payload)
                    payload = encode(frame.with_columns(dict(zip(self._columns, self.table.take(frame), strict=True))))
                    kind = Kind.FEATURES
                    work.count("ticks", frame.rows)
                except ContractError as error:
                    kind, payload = self._refuse(entry, error, work)
            elif kind not in (Kind.CLOCK, Kind.GAP):
                unknown = ContractError("kind", str(kind), "ticks, clock or gap")
                kind, payload = self._refuse(entry, unknown, work)
            work.writes.append(Write(self.names.features, kind, payload, meta=entry.meta, seq=entry.seq))

    def save(self) -> bytes:
        """See `dfp.log.work.Core`."""
        return self.table.save()

    def load(self, state: bytes) -> None:
        """See `dfp.log.work.Core`."""
        self.table.load(state)

    def warm_up(self) -> None:
        """Compile the kernel, or load it from its cache, before the first tick has to wait for it."""
        columns = {name: np.zeros(1, DTYPES[code]) for name, code in TICK_COLUMNS.items()}
        Table(self.table.program).take(decode_ticks(encode(Frame(0, columns))))

    def _refuse(self, entry: Entry, error: ContractError, work: Work) -> tuple[Kind, bytes]:
        letter = dead_letter(STAGE, "bad-frame", str(error), entry.payload)
        work.writes.append(Write(self.names.dead_letters, Kind.DEAD_LETTER, codec.encode(letter), meta=entry.meta))
        work.count("rejected/bad-frame")
        return Kind.GAP, codec.encode(Gap(session=0, time=0, reason="an entry of the log could not be read"))
