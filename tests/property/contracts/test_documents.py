"""Every document survives its codec and has one form; hostile bytes are refused with the one error of decoders."""

from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.contracts import codec
from dfp.contracts.clock import Clock, Gap
from dfp.contracts.codec import Document
from dfp.contracts.contained import Contained
from dfp.contracts.dead_letter import MAX_RECORD, DeadLetter, dead_letter
from dfp.contracts.entry import Entry, Kind, Meta, entry_id, from_fields, sequence, to_fields
from dfp.contracts.errors import ContractError
from dfp.contracts.held import Held
from dfp.contracts.opportunity import CloseReason, Member, Opportunity, State, opportunity_id
from dfp.contracts.outcome import Outcome, Tradable
from dfp.contracts.policy import (
    Action,
    Basis,
    Bundle,
    Concentration,
    Drawdown,
    Frequency,
    Measure,
    Policy,
    Rule,
    Scope,
    Volatility,
    bundle,
)
from dfp.contracts.risk import Alert, Decision, Halt, RiskStatus, Severity, Verdict, Verdicts
from dfp.contracts.signal import Direction, Signal, signal_id

text = st.text(max_size=40)
fraction = st.floats(0, 1)
strength = st.floats(0, 100)
time = st.integers(0, 2**62)
price = st.none() | st.floats(allow_nan=False, allow_infinity=False)
direction = st.sampled_from(Direction)

members = st.builds(
    Member, strategy=text, group=text, signal=text, confidence=fraction, strength=strength, as_of=time, expires=time,
    half_life_ns=time, reason=text,
)  # fmt: skip

opportunities = st.builds(
    Opportunity, id=text, rev=st.integers(1, 2**40), symbol=text, session=time, side=direction,
    state=st.sampled_from(State), confidence=fraction, strength=strength, opened=time, as_of=time, expires=time,
    reference_price=price, members=st.lists(members, max_size=3), closed=st.none() | st.sampled_from(CloseReason),
    risk=st.sampled_from(RiskStatus),
)  # fmt: skip
verdicts = st.builds(
    Verdict, policy=text, rule=text, target=text, action=st.sampled_from(Action), enforce=st.booleans(),
    decision=st.sampled_from(Decision), value=price, threshold=st.floats(0, 10), until=time,
)  # fmt: skip
positive = st.integers(1, 2**62)
threshold = st.floats(1e-6, 10)
checks = st.one_of(
    st.builds(Volatility, threshold=threshold, window_ns=st.none() | positive, grid_ns=positive),
    st.builds(
        Drawdown, threshold=threshold, basis=st.sampled_from(Basis), sessions=st.none() | positive,
        window_ns=st.none() | positive,
    ),
    st.builds(Concentration, threshold=threshold, measure=st.sampled_from(Measure), min_active=positive),
    st.builds(Frequency, limit=positive, window_ns=positive),
)  # fmt: skip
rules = st.builds(
    Rule, name=text, scope=st.sampled_from(Scope), check=checks, action=st.sampled_from(Action), hold_ns=time
)
policies = st.builds(
    Policy, name=text, strategies=st.none() | st.lists(text, max_size=3), enforce=st.booleans(),
    rules=st.lists(rules, max_size=3),
)  # fmt: skip
bundles = st.lists(policies, max_size=3).map(bundle)

documents: dict[type[Document], st.SearchStrategy[Document]] = {
    Clock: st.builds(Clock, time=time, session=time, phase=st.integers(0, 255), end=st.booleans()),
    Gap: st.builds(Gap, session=time, time=time, reason=text),
    Signal: st.builds(
        Signal, id=text, strategy=text, revision=text, group=text, symbol=text, session=time, n=time,
        direction=direction, confidence=fraction, strength=strength, as_of=time, expires=time, horizon_ns=time,
        reference_price=price, reason=text,
    ),
    Opportunity: opportunities,
    Alert: st.builds(
        Alert, id=text, rule=text, severity=st.sampled_from(Severity), target=text, time=time, message=text,
        value=price, threshold=price,
    ),
    Verdicts: st.builds(
        Verdicts, version=text, seq=time, time=time, complete=st.booleans(), verdicts=st.lists(verdicts, max_size=3)
    ),
    Held: st.builds(Held, opportunity=opportunities, reason=text, detail=text),
    Outcome: st.builds(
        Outcome, id=text, symbol=text, session=time, side=direction, confidence=fraction,
        strategies=st.lists(text, max_size=3), opened=time, closed=st.sampled_from(CloseReason), horizon_end=time,
        tradable=st.sampled_from(Tradable), entry=price, exit=price, return_at_horizon=price, return_at_close=price,
        mfe=price, mae=price, cost=fraction,
    ),
    Bundle: bundles,
    Halt: st.builds(Halt, target=text, cause=text, since=time, reason=text),
    DeadLetter: st.builds(DeadLetter, stage=text, reason=text, detail=text, record=text),
    Contained: st.builds(Contained, strategy=text, seq=time, row=time),
}  # fmt: skip

any_document = st.sampled_from(sorted(documents, key=lambda kind: kind.__name__)).flatmap(documents.__getitem__)


@given(any_document)
def test_a_document_survives_the_codec_and_has_one_form(document: Document) -> None:
    data = codec.encode(document)
    again = codec.decode(data, type(document))
    assert again == document
    assert codec.encode(again) == data


@given(st.binary(max_size=200), st.sampled_from(list(documents)))
def test_any_bytes_are_refused_with_a_contract_error(data: bytes, kind: type[Document]) -> None:
    with pytest.raises(ContractError):
        codec.decode(data, kind)


@given(any_document, st.data())
def test_a_document_with_a_missing_unknown_or_wrong_field_is_refused_by_name(
    document: Document, data: st.DataObject
) -> None:
    kind = type(document)
    fields = msgspec.json.decode(codec.encode(document))
    name = data.draw(st.sampled_from(sorted(get_type_hints(kind))))
    change = data.draw(st.sampled_from(["unknown", "wrong"]))
    if change == "unknown":
        fields[f"{name}_x"] = 1
        expected = f"{name}_x"
    else:
        fields[name] = {"not": "this"}
        expected = name
    with pytest.raises(ContractError, match=expected):
        codec.decode(msgspec.json.encode(fields), kind)


def test_deeply_nested_json_is_refused_and_not_a_crash() -> None:
    with pytest.raises(ContractError):
        codec.decode(b'{"time":' + b"[" * 100_000, Clock)


@pytest.mark.parametrize(("field", "value"), [("confidence", 1.5), ("confidence", -0.1), ("strength", 101.0)])
def test_a_signal_out_of_range_is_refused_by_name(field: str, value: float) -> None:
    signal = Signal(
        id="i", strategy="s", revision="r", group="g", symbol="600000.SH", session=20220601, n=1,
        direction=Direction.UP, confidence=0.5, strength=50, as_of=0, expires=1, horizon_ns=1, reference_price=None,
        reason="",
    )  # fmt: skip
    fields = msgspec.json.decode(codec.encode(signal))
    fields[field] = value
    with pytest.raises(ContractError, match=field):
        codec.decode(msgspec.json.encode(fields), Signal)


@given(st.sampled_from(Kind), st.binary(max_size=50), st.dictionaries(text, time, max_size=4), st.integers(0, 2**62))
def test_an_entry_survives_its_field_list(kind: Kind, payload: bytes, hops: dict[str, int], seq: int) -> None:
    fields = to_fields(kind, payload, Meta(hops))
    stored = dict(zip(fields[::2], fields[1::2], strict=True))
    assert from_fields(entry_id(seq).encode(), stored) == Entry(seq, kind, payload, Meta(hops))


@given(st.dictionaries(st.sampled_from([b"k", b"p", b"m", b"x"]), st.binary(max_size=20), max_size=4))
def test_a_foreign_entry_is_refused_with_a_contract_error(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(ContractError):
        from_fields(b"0-1", fields)


@given(st.binary(max_size=20))
def test_a_foreign_id_is_refused_with_a_contract_error(identifier: bytes) -> None:
    with pytest.raises(ContractError):
        sequence(identifier)


def test_a_hop_is_added_to_those_that_are_there() -> None:
    assert Meta({"ingest": 1}, {"s": 2}).stamped("feature", 3) == Meta({"ingest": 1, "feature": 3}, {"s": 2})


def test_ids_depend_on_each_of_their_parts() -> None:
    base = ("s", "r", "600000.SH", 20220601, 7, 0)
    changed = [("t", *base[1:]), (*base[:5], 1), (*base[:4], 8, 0), (*base[:2], "600001.SH", *base[3:])]
    assert len({signal_id(*parts) for parts in [base, *changed]}) == 5
    sides = {opportunity_id("600000.SH", side, "x") for side in Direction}
    assert len(sides) == 3


def test_a_dead_letter_keeps_the_start_of_a_long_record() -> None:
    letter = dead_letter("collector", "unparsable", "d" * 9000, b"x" * 100_000)
    assert len(letter.detail) == 4000
    assert len(letter.record) == -(-MAX_RECORD // 3) * 4
    assert codec.decode(codec.encode(letter), DeadLetter) == letter


def test_a_contract_error_names_field_value_and_what_is_allowed_in_one_line() -> None:
    error = ContractError("price", "x" * 500, "a number")
    assert str(error).startswith("price: 'xxx")
    assert str(error).endswith("expected a number")
    assert len(str(error)) < 200
