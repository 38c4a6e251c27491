import pytest

from dfp.contracts import digest
from dfp.contracts.codec import encode
from dfp.contracts.dead_letter import dead_letter
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.errors import ContractError
from dfp.local.ledger import LATEST, Ledger
from documents import alert, opportunity, signal


def entries(kind: Kind, *payloads: bytes) -> list[Entry]:
    return [Entry(seq, kind, payload) for seq, payload in enumerate(payloads, 1)]


def test_signals_are_counted_and_digested_per_strategy_in_stream_order() -> None:
    ledger = Ledger()
    first, other, second = (encode(signal(name, n)) for name, n in (("a", 1), ("b", 1), ("a", 2)))
    for entry in entries(Kind.SIGNAL, first, other, second):
        ledger.add(entry)
    assert ledger.signals == {"a": 2, "b": 1}
    assert ledger.digests == {
        "a": digest.roll(digest.EMPTY, (first, second)),
        "b": digest.roll(digest.EMPTY, (other,)),
    }


def test_an_opportunity_counts_once_however_many_revisions_it_has() -> None:
    ledger = Ledger()
    for entry in entries(Kind.OPPORTUNITY, *(encode(opportunity("a", rev)) for rev in (1, 2, 3))):
        ledger.add(entry)
    assert ledger.opportunities == 1
    assert [item.rev for item in ledger.latest.values()] == [3]


def test_only_the_last_opportunities_are_kept_the_newest_revision_last() -> None:
    ledger = Ledger()
    opened = [encode(opportunity(str(n))) for n in range(LATEST + 3)]
    for entry in entries(Kind.OPPORTUNITY, *opened, encode(opportunity(str(LATEST), 2))):
        ledger.add(entry)
    assert ledger.opportunities == LATEST + 3
    assert len(ledger.latest) == LATEST
    assert list(ledger.latest)[-1] == str(LATEST)


def test_alerts_and_dead_letters_are_counted_by_rule_and_reason() -> None:
    ledger = Ledger()
    for entry in entries(Kind.ALERT, encode(alert("volatility")), encode(alert("volatility"))):
        ledger.add(entry)
    ledger.add(Entry(1, Kind.DEAD_LETTER, encode(dead_letter("collector", "unknown-symbol", "…", b"x"))))
    assert ledger.alerts == {"volatility": 2}
    assert ledger.dead_letters == {"unknown-symbol": 1}


def test_a_payload_that_is_not_what_its_kind_says_is_refused() -> None:
    with pytest.raises(ContractError):
        Ledger().add(Entry(1, Kind.SIGNAL, b"{}"))
