"""A follower over any interleaving of lost connections, repeats, snapshots, retractions and new filters.

The server here is a model that is as unkind as the protocol allows; what it sends are real messages.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

import told
from dfp.client import messages
from dfp.client.events import Heartbeat, Resync, Revision, Snapshot
from dfp.client.filter import Filter
from dfp.client.resume import Resume
from dfp.contracts.entry import sequence
from dfp.contracts.opportunity import Opportunity
from revisions import revision

SYMBOLS = [f"60000{n}.SH" for n in range(4)]
FILTERS = [Filter(), Filter(symbols=(SYMBOLS[0],)), Filter(symbols=(SYMBOLS[1], SYMBOLS[2]))]


def passes(wanted: Filter, found: Opportunity) -> bool:
    return wanted.symbols is None or found.symbol in wanted.symbols


def latest(log: list[Opportunity], wanted: Filter) -> dict[str, Opportunity]:
    return {found.id: found for found in log if passes(wanted, found)}


@dataclass
class Streamer:
    """A log and one connection; `wire` holds what was sent and has not arrived."""

    log: list[Opportunity] = field(default_factory=list)
    wanted: Filter = FILTERS[0]
    told: int = 0
    wire: list[bytes] = field(default_factory=list)
    asked: list[Filter] = field(default_factory=list)

    def publish(self, which: int) -> None:
        rev = 1 + sum(one.id == str(which) for one in self.log)
        self.log.append(revision(str(which), rev, symbol=SYMBOLS[which]))

    def send(self, *lines: bytes) -> None:
        self.wire += lines

    def tell(self) -> None:
        for seq in range(self.told + 1, len(self.log) + 1):
            if passes(self.wanted, self.log[seq - 1]):
                self.send(told.opportunity(seq, self.log[seq - 1]))
        self.told = len(self.log)

    def snapshot(self, reason: str | None = None) -> None:
        self.told = len(self.log)
        self.send(told.snapshot(self.told, latest(self.log, self.wanted).values(), reason))

    def connect(self, wanted: Filter, last: int | None) -> None:
        self.wire.clear()
        self.asked.clear()
        self.wanted = wanted
        if last is None:
            self.snapshot()
        elif last > len(self.log):
            self.snapshot("unknown id")
        else:
            self.told = last

    def answer(self, *, each: bool) -> None:
        for wanted in self.asked if each else self.asked[-1:]:
            self.wanted = wanted
            self.send(told.subscribed(self.told, wanted))
            self.snapshot()
        self.asked.clear()


@dataclass
class Follower:
    """What a client makes of it, with the checks that hold at each event."""

    streamer: Streamer
    resume: Resume
    known: dict[str, Opportunity] = field(default_factory=dict)
    place: int = 0

    def reconnect(self) -> None:
        self.resume.begin()
        if self.resume.last is not None and self.resume.last <= len(self.streamer.log):
            self.check(self.resume.last)
        self.streamer.connect(self.resume.held, self.resume.last)

    def receive(self, count: int) -> None:
        for line in self.streamer.wire[:count]:
            self.take(line)
        del self.streamer.wire[:count]

    def take(self, line: bytes) -> None:
        event = messages.event(line, 0, self.resume)
        match event:
            case Snapshot():
                self.known = {found.id: found for found in event.opportunities}
                self.check(sequence(event.id))
            case Resync():
                self.known.clear()
            case Heartbeat() if self.resume.last is not None:
                self.check(sequence(event.id))
            case Revision():
                found = event.opportunity
                assert found.id not in self.known or found.rev > self.known[found.id].rev
                self.known[found.id] = found
                self.check(sequence(event.id))

    def check(self, seq: int) -> None:
        """What the client knows is what the log says up to there: nothing was lost, nothing came from elsewhere."""
        assert self.known == latest(self.streamer.log[:seq], self.resume.held)
        self.place = seq


# What may happen, as functions of both sides.


def publish(client: Follower, n: int) -> None:
    client.streamer.publish(n % 4)


def tell(client: Follower, n: int) -> None:
    client.streamer.tell()


def receive(client: Follower, n: int) -> None:
    client.receive(n)


def lose(client: Follower, n: int) -> None:
    client.receive(n % 4)
    client.reconnect()


def repeat(client: Follower, n: int) -> None:
    """As it may be when a streamer counts otherwise than this client."""
    if client.place <= len(client.streamer.log):
        again = range(max(1, client.place - n), client.place + 1)
        client.streamer.wire[:0] = [told.opportunity(seq, client.streamer.log[seq - 1]) for seq in again]


def beat(client: Follower, n: int) -> None:
    client.streamer.send(told.heartbeat(client.streamer.told))


def fall_back(client: Follower, n: int) -> None:
    client.streamer.snapshot("no longer kept")


def ask(client: Follower, n: int) -> None:
    client.resume.ask(FILTERS[n % 3])
    client.streamer.asked.append(FILTERS[n % 3])
    if n > 3:
        client.streamer.answer(each=True)


def answer(client: Follower, n: int) -> None:
    client.streamer.answer(each=n % 2 == 0)


def retract(client: Follower, n: int) -> None:
    """The log loses its end. The news arrives whole, in part, or not at all because the connection goes too."""
    streamer = client.streamer
    client.receive(len(streamer.wire))
    del streamer.log[max(0, len(streamer.log) - n // 3) :]
    streamer.send(told.resync(len(streamer.log)))
    streamer.snapshot()
    client.receive(n % 3)
    if n % 3 < 2:
        client.reconnect()
    client.receive(len(streamer.wire))


STEPS = (publish, tell, receive, lose, repeat, beat, fall_back, ask, answer, retract)


@settings(max_examples=400)
@given(
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 8)), max_size=80),
    st.sampled_from([None, 0]),
)
def test_each_revision_comes_once_and_in_order_whatever_happens(
    steps: list[tuple[Callable[[Follower, int], None], int]], last: int | None
) -> None:
    client = Follower(Streamer(), Resume(FILTERS[0], last))
    for which in range(6):
        client.streamer.publish(which % 4)
    client.reconnect()
    for step, n in steps:
        step(client, n)
    client.reconnect()
    client.streamer.tell()
    client.receive(len(client.streamer.wire))
    assert client.known == latest(client.streamer.log, client.resume.held)


def test_a_client_resumes_behind_the_last_heartbeat_too() -> None:
    resume = Resume(FILTERS[1], 3)
    messages.event(told.heartbeat(9), 0, resume)
    assert resume.last == 9


def test_after_a_retraction_only_a_snapshot_will_do() -> None:
    resume = Resume(FILTERS[0], 3)
    messages.event(told.resync(2), 0, resume)
    assert resume.last is None
    messages.event(told.snapshot(2), 0, resume)
    assert resume.last == 2


def test_a_filter_that_is_not_answered_yet_asks_for_a_snapshot_under_it() -> None:
    resume = Resume(FILTERS[0], 3)
    resume.ask(FILTERS[1])
    resume.begin()
    assert (resume.held, resume.last) == (FILTERS[1], None)


def test_a_filter_that_was_refused_leaves_everything_as_it_was() -> None:
    resume = Resume(FILTERS[0], 3)
    resume.ask(FILTERS[1])
    messages.event(told.refused(3, "symbols", "x", "symbols"), 0, resume)
    resume.begin()
    assert (resume.held, resume.last) == (FILTERS[0], 3)


def test_of_several_questions_the_answer_to_the_last_is_enough() -> None:
    resume = Resume(FILTERS[0], 3)
    for wanted in (FILTERS[1], FILTERS[2]):
        resume.ask(wanted)
    messages.event(told.subscribed(3, FILTERS[2]), 0, resume)
    messages.event(told.snapshot(3), 0, resume)
    assert (resume.held, resume.last) == (FILTERS[2], 3)
