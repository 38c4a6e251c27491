"""The pure core of an engine: feature entries in, signals out; a handler that goes wrong is contained.

What it writes is a function of the entries and of the journal of time-outs, however frames and batches were cut.
"""

import math
from collections.abc import Collection, Sequence

import msgspec

from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.contracts.frame import Frame, decode_ticks
from dfp.contracts.names import Names
from dfp.contracts.signal import Signal as Statement
from dfp.engine.awaiting import resolved
from dfp.engine.batch import Columns, Place, statements, without_repeats
from dfp.engine.cells import Cell, Cells
from dfp.engine.containment import Containment
from dfp.engine.deadline import HandlerTimeout, Watch
from dfp.engine.handlers import Handler, collected, of_timer, of_universe_timer, timer_call
from dfp.engine.journal import Journal
from dfp.engine.saved import Saved, SavedStates, marks_for, marks_of
from dfp.engine.statement import About, Author, Trigger
from dfp.engine.ticks import TickReader
from dfp.engine.universe import Universe
from dfp.log.work import Work, Write
from dfp.market.instruments import classify
from dfp.market.phases import Phase
from dfp.market.symbols import SymbolError, pack
from dfp.sdk.batch import Ticks
from dfp.sdk.errors import StrategyError
from dfp.sdk.scope import Scope
from dfp.sdk.signal import Signal
from dfp.sdk.state import State
from dfp.sdk.strategy import Strategy
from dfp.sdk.tick import Tick

_NO_SIGNALS: list[Signal] = []


class EngineCore:
    """Runs one strategy. Implements `dfp.log.work.Core` over the feature stream.

    Counts `ticks`, `signals`, `not-warm` (signals dropped during warm-up), `contained`, `degraded`, `suspended` (ticks
    that the strategy was not given), `gaps`, `missing/FEATURE` (ticks), `cold-start` (another revision's state was
    refused) and `rejected/REASON`.

    Args:
        name: the strategy's name; the stage is `engine/NAME`.
        strategy: with its parameters set.
        revision: see `dfp.engine.revision`.
        live: whether signals go to the live stream or to the shadow stream.
        watch: bounds the handlers' CPU time.
        group: see `assemble`.

    Attributes:
        journal: of time-outs; made to obey an earlier run before entries are processed again.
    """

    def __init__(
        self,
        names: Names,
        name: str,
        strategy: Strategy,
        *,
        revision: str,
        universe: Universe,
        live: bool,
        watch: Watch,
        group: str = "",
    ) -> None:
        definition = strategy.definition
        self.revision = revision
        self._author = Author(name, revision, group or name)
        self._stream = names.signals if live else names.shadow_signals
        self._on_tick = strategy.on_tick
        self._strategy = strategy
        self._batched = definition.batched
        self._columns = Columns(type(strategy).__name__, definition.memory)
        self._warmup = definition.warmup_ticks
        self._universal = definition.scope is Scope.UNIVERSE
        self._stated = self._about_any_symbol if self._universal else self._about_its_symbol
        wrapped = of_universe_timer if self._universal else of_timer
        self._timers = definition.timers
        self._on_timer = [wrapped(getattr(strategy, timer.name)) for timer in definition.timers]
        self._reader = TickReader(type(strategy).__name__, definition.needs)
        self._universe = universe
        self._memory = State if self._universal else definition.memory
        self._states = SavedStates(revision, definition.memory, definition.scope)
        self._refused_state = False
        self._containment = Containment(names, name)
        self.journal = Journal(name, watch)
        self._watch = watch
        self._timed_out: Collection[int] = ()
        self.load(b"")

    @property
    def parameters(self) -> dict[str, object]:
        """All parameters of the strategy, defaults included."""
        return {name: getattr(self._strategy, name) for name in self._strategy.definition.parameters}

    @property
    def degraded(self) -> bool:
        """The strategy failed too often; the engine itself is well."""
        return self._containment.degraded

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        """See `dfp.log.work.Core.process`. An entry that cannot be read goes to the dead letters."""
        for entry in entries:
            self._watch, self._timed_out = self.journal.watch_over(entry.seq), self.journal.timed_out(entry.seq)
            if self._refused_state and not self.journal.settled(entry.seq):  # counters of a re-run are lost
                self._refused_state = False
                work.count("cold-start")
            try:
                match entry.kind:
                    case Kind.FEATURES:
                        self._take_ticks(entry, work)
                    case Kind.CLOCK:
                        self._take_clock(entry, codec.decode(entry.payload, Clock), work)
                    case Kind.GAP:
                        self._take_gap(work)
                    case _:
                        raise ContractError("kind", entry.kind, "features, clock or gap")
            except (ContractError, SymbolError) as error:
                self._containment.refuse(error, entry, work)

    def save(self) -> bytes:
        """See `dfp.log.work.Core.save`."""
        saved = Saved(
            self.revision,
            self._session,
            self._containment.failures,
            self._containment.timeouts,
            marks_of(self._timers, self._marks),
            list(self._cells.admitted()),
            None if self._shared is None else self._shared.memory,
        )
        return msgspec.msgpack.encode(saved)

    def load(self, state: bytes) -> None:
        """See `dfp.log.work.Core.load`. State of another revision is migrated if `Memory` says how, else refused."""
        try:
            saved = self._states.read(state) if state else self._states.fresh()
        except ContractError:
            self._refused_state = True
            raise
        self._session = saved.session
        self._containment.failures = saved.failures
        self._containment.timeouts = saved.timeouts
        self._marks = marks_for(self._timers, saved.marks)
        self._cells = Cells(self._memory, self._universe)
        for packed, cell in saved.cells:
            if self._universe.admits(classify(cell.symbol)):  # another revision's universe may have been larger
                self._cells[packed] = cell
        self._shared = None if saved.shared is None else Cell("", saved.shared)

    def _take_ticks(self, entry: Entry, work: Work) -> None:
        frame = decode_ticks(entry.payload)
        found = [
            (row, cell)
            for row, cell in enumerate(map(self._cells.__getitem__, frame["symbol"].tolist()))
            if cell is not None
        ]
        if not found:
            return
        self._enter(frame.session)
        work.count("ticks", len(found))
        for name in self._reader.missing(frame):
            work.count(f"missing/{name}", len(found))
        if self._batched:
            for batch in without_repeats(found):
                self._take_batch(frame, batch, entry, work)
            return
        ticks = self._reader.read(frame, [row for row, _ in found], [cell.symbol for _, cell in found])
        on_tick, session, warmup, containment = self._on_tick, frame.session, self._warmup, self._containment
        shared = self._shared
        for (row, cell), tick in zip(found, ticks, strict=True):
            if containment.suspended:
                work.count("suspended")
                continue
            if cell.session != session:
                cell.enter(session)
            warm = cell.warm_ticks >= warmup
            if tick.continuous:
                cell.warm_ticks += 1
            cell.last = tick.last
            self._call(on_tick, tick, cell if shared is None else shared, entry, row, warm, 0, work)

    def _take_batch(self, frame: Frame, found: Sequence[Place], entry: Entry, work: Work) -> None:
        """Let the strategy answer ticks of different symbols at once."""
        ticks = self._ticks(frame, found)
        session, warmup = frame.session, self._warmup
        warm: list[bool] = []
        for (_, cell), continuous, last in zip(found, ticks.continuous.tolist(), ticks.last.tolist(), strict=True):
            if cell.session != session:
                cell.enter(session)
            warm.append(cell.warm_ticks >= warmup)
            cell.warm_ticks += continuous
            cell.last = last
        self._answer(frame, ticks, found, warm, entry, work)

    def _answer(
        self, frame: Frame, ticks: Ticks, found: Sequence[Place], warm: Sequence[bool], entry: Entry, work: Work
    ) -> None:
        """Call `on_batch`. Where that goes wrong, each tick becomes a batch of its own.

        So only those ticks are contained that cannot be answered, whatever stood beside them.
        """
        if self._containment.suspended:
            work.count("suspended", len(found))
            return
        before = self._columns.gather(found)
        after = {name: column.copy() for name, column in before.items()}
        watch = self._watch
        try:
            if self._timed_out and any(row in self._timed_out for row, _ in found):
                raise HandlerTimeout("timed out in an earlier run, as the journal says")
            watch.running = ticks
            try:
                produced = resolved(self._strategy.on_batch(ticks, self._columns.shown(after)), 1)
            finally:
                watch.running = None
            said, not_warm = statements(produced, warm, self._author, lambda index: self._tick(frame, found[index]))
            self._columns.scatter(before, after, found)
        except BaseException as error:
            watch.running = None  # a time-out may have come before the line above
            if isinstance(error, KeyboardInterrupt):
                raise
            failed = error
        else:
            self._containment.failures = 0
            if not_warm:
                work.count("not-warm", not_warm)
            self._write(said, entry, work)
            return
        if len(found) == 1:
            record = msgspec.json.encode(self._tick(frame, found[0]))
            self._containment.contain(failed, entry, found[0][0], record, work)
            return
        for place, counts in zip(found, warm, strict=True):
            self._answer(frame, self._ticks(frame, [place]), [place], [counts], entry, work)

    def _ticks(self, frame: Frame, found: Sequence[Place]) -> Ticks:
        return self._reader.columns(frame, [row for row, _ in found], [cell.symbol for _, cell in found])

    def _tick(self, frame: Frame, place: Place) -> Tick:
        row, cell = place
        return self._reader.read(frame, [row], [cell.symbol])[0]

    def _take_clock(self, entry: Entry, clock: Clock, work: Work) -> None:
        self._enter(clock.session)
        continuous = clock.phase == Phase.CONTINUOUS
        said: dict[str, int] = {}
        row = 0
        for index, timer in enumerate(self._timers):
            mark = timer.schedule.due(clock.time, clock.session, continuous, self._marks[index])
            if mark is None:
                continue
            self._marks[index] = mark
            for cell in self._cells.seen_in(clock.session) if self._shared is None else [self._shared]:
                if self._containment.suspended:
                    return
                call = timer_call(timer, cell, clock)
                warm = cell.warm_ticks >= self._warmup
                ordinal = said.get(cell.symbol, 0)
                handler = self._on_timer[index]
                said[cell.symbol] = ordinal + self._call(handler, call, cell, entry, row, warm, ordinal, work)
                row += 1

    def _take_gap(self, work: Work) -> None:
        """Ticks are missing, so a warm-up that counts ticks of continuous trading in a row starts again."""
        work.count("gaps")
        for _, cell in self._cells.admitted():
            cell.warm_ticks = 0

    def _enter(self, session: int) -> None:
        if session != self._session:
            self._session = session
            self._containment.timeouts = 0

    def _call(
        self,
        handler: Handler,
        trigger: Trigger,
        cell: Cell[State],
        entry: Entry,
        row: int,
        warm: bool,
        ordinal: int,
        work: Work,
    ) -> int:
        """Call a handler for one symbol and write its signals; the number written. Whatever it does is contained."""
        memory = cell.memory
        before = memory.__copy__()
        watch = self._watch
        try:
            if row in self._timed_out:
                raise HandlerTimeout("timed out in an earlier run, as the journal says")
            watch.running = trigger
            try:
                produced = handler(trigger, memory)
                signals = _NO_SIGNALS if produced is None else collected(produced)
            finally:
                watch.running = None
            if signals:
                stated, not_warm = self._stated(signals, trigger, warm, ordinal)
        except BaseException as error:
            watch.running = None  # a time-out may have come before the line above
            if isinstance(error, KeyboardInterrupt):
                raise
            cell.memory = before
            self._containment.contain(error, entry, row, msgspec.json.encode(trigger), work)
            return 0
        self._containment.failures = 0
        if not signals:
            return 0
        if not_warm:
            work.count("not-warm", not_warm)
        self._write(stated, entry, work)
        return len(stated)

    def _about_its_symbol(
        self, signals: Sequence[Signal], trigger: Trigger, warm: bool, ordinal: int
    ) -> tuple[list[Statement], int]:
        """Signals about the trigger's symbol as they go into the log, and how many were dropped."""
        if any(signal.symbol is not None for signal in signals):
            raise StrategyError("Signal.symbol is for scope Universe; with scope Symbol a signal is about its tick")
        if not warm:
            return [], len(signals)
        return [self._author.state(signal, trigger, ordinal + i) for i, signal in enumerate(signals)], 0

    def _about_any_symbol(
        self, signals: Sequence[Signal], trigger: Trigger, warm: bool, ordinal: int
    ) -> tuple[list[Statement], int]:
        """The same with scope Universe. A signal counts when the symbol that it is about is warm."""
        stated: list[Statement] = []
        own = trigger.symbol if isinstance(trigger, Tick) else None
        for signal in signals:
            symbol = signal.symbol or own
            if symbol is None:
                raise StrategyError("a timer has no symbol of its own; write Signal(…, symbol=…)")
            about: About | None = None
            counts = warm
            if symbol != own:
                cell = self._cells[pack(symbol)]
                if cell is None:
                    raise StrategyError(f"Signal.symbol = {symbol!r} is not in the strategy's universe")
                seen = cell.session == self._session
                about = About(symbol, cell.last if seen else math.nan)
                counts = (cell.warm_ticks if seen else 0) >= self._warmup
            if counts:
                stated.append(self._author.state(signal, trigger, ordinal + len(stated), about))
        return stated, len(signals) - len(stated)

    def _write(self, said: Sequence[Statement], entry: Entry, work: Work) -> None:
        for statement in said:
            payload = codec.encode(statement)
            work.writes.append(Write(self._stream, Kind.SIGNAL, payload, entry.meta))
            work.digested.append(payload)
        if said:
            work.count("signals", len(said))
