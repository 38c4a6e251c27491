"""The pure core of the feature stage: every entry of the log in, the same entry with features out."""

from collections.abc import Iterable, Sequence

import msgspec
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
from dfp.features.state import TableState
from dfp.features.table import FIRST_SESSION, Table
from dfp.log.work import Work, Write

STAGE = "features"


class _Saved(msgspec.Struct, array_like=True, frozen=True):
    """Number of the last entry that was taken, and the state behind it."""

    seq: int
    table: TableState


_decoder = msgspec.msgpack.Decoder(_Saved)


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
        self._seq = 0

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        """See `dfp.log.work.Core`. Clock entries and gaps pass through; what cannot be read becomes a gap.

        Counts `ticks`, `gaps` (declared, found, or made here), `beyond-range` (ticks with a value that cannot be) and
        `rejected/bad-frame`.
        """
        for entry in entries:
            if entry.seq != self._seq + 1:
                self._miss(work)  # a hole that nobody declared: trimmed before this stage had read it
            self._seq = entry.seq
            kind, payload = entry.kind, entry.payload
            if kind is Kind.TICKS:
                try:
                    payload = self._computed(decode_ticks(payload), work)
                    kind = Kind.FEATURES
                except ContractError as error:
                    kind, payload = self._refuse(entry, error, work)
            elif kind is Kind.GAP:
                self._miss(work)
            elif kind is not Kind.CLOCK:
                unknown = ContractError("kind", str(kind), "ticks, clock or gap")
                kind, payload = self._refuse(entry, unknown, work)
            work.writes.append(Write(self.names.features, kind, payload, meta=entry.meta, seq=entry.seq))

    def save(self) -> bytes:
        """See `dfp.log.work.Core`."""
        return msgspec.msgpack.encode(_Saved(self._seq, self.table.save()))

    def load(self, state: bytes) -> None:
        """See `dfp.log.work.Core`. The state may be that of another feature set, see `dfp.features.table.Table.load`.

        Raises:
            ContractError: saved by another version, or not a feature state at all; the core keeps what it has.
        """
        if not state:
            self._seq = 0
            self.table.load(None)
            return
        try:
            saved = _decoder.decode(state)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ContractError("feature state", state[:32], f"a saved feature state ({error})") from None
        self.table.load(saved.table)
        self._seq = saved.seq

    def warm_up(self) -> None:
        """Compile the kernel, or load it from its cache, before the first tick has to wait for it."""
        columns = {name: np.zeros(1, DTYPES[code]) for name, code in TICK_COLUMNS.items()}
        Table(self.table.program).take(decode_ticks(encode(Frame(FIRST_SESSION, columns))))

    def _computed(self, frame: Frame, work: Work) -> bytes:
        before = self.table.beyond
        features = self.table.take(frame)
        payload = encode(frame.with_columns(dict(zip(self._columns, features, strict=True))))
        work.count("ticks", frame.rows)
        if beyond := self.table.beyond - before:
            work.count("beyond-range", beyond)
        return payload

    def _miss(self, work: Work) -> None:
        self.table.hole()
        work.count("gaps")

    def _refuse(self, entry: Entry, error: ContractError, work: Work) -> tuple[Kind, bytes]:
        letter = dead_letter(STAGE, "bad-frame", str(error), entry.payload)
        work.writes.append(Write(self.names.dead_letters, Kind.DEAD_LETTER, codec.encode(letter), meta=entry.meta))
        work.count("rejected/bad-frame")
        self._miss(work)
        return Kind.GAP, codec.encode(Gap(session=0, time=0, reason="an entry of the log could not be read"))
