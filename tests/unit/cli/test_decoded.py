import json
import math

import msgspec
import numpy as np
import pytest

from dfp.cli.decoded import clock_text, document, lines
from dfp.contracts.clock import Clock
from dfp.contracts.codec import encode
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.errors import ContractError
from dfp.contracts.flags import Flag
from dfp.contracts.frame import DTYPES, TICK_COLUMNS, Frame
from dfp.contracts.frame import encode as encode_frame
from dfp.market.phases import Phase
from dfp.market.symbols import pack
from documents import MORNING, SESSION, opportunity, signal


def frame(rows: int = 2) -> Frame:
    columns = {name: np.zeros(rows, DTYPES[code]) for name, code in TICK_COLUMNS.items()}
    columns["symbol"][:] = pack("300122.SZ")
    columns["time"][:] = MORNING + np.arange(rows) * 3_000_000_000
    columns["phase"][:] = Phase.CONTINUOUS
    columns["last"][0] = 873_000
    columns["flags"][0] = Flag.CROSSED | Flag.AT_LIMIT_UP
    columns["volume"][:] = 1200
    return Frame(SESSION, columns).with_columns({"zscore_100": np.array([1.25] + [math.nan] * (rows - 1))})


def ticks(rows: int = 2) -> Entry:
    return Entry(12, Kind.FEATURES, encode_frame(frame(rows)), Meta({"ingest": 5}))


def test_times_are_shown_in_exchange_time() -> None:
    assert clock_text(MORNING) == "09:31:03.000"
    assert clock_text(MORNING + 1_999_999) == "09:31:03.001"


def test_a_frame_becomes_json_rows_in_yuan_with_null_for_what_is_absent() -> None:
    found = json.loads(msgspec.json.encode(document(ticks(), None)))
    assert (found["seq"], found["kind"], found["session"], found["rows"]) == (12, "features", SESSION, 2)
    assert found["hops"] == {"ingest": 5}
    first, second = found["payload"]
    assert first["symbol"] == "300122.SZ"
    assert (first["last"], second["last"]) == (87.3, None)
    assert (first["zscore_100"], second["zscore_100"]) == (1.25, None)
    assert first["flags"] == ["CROSSED", "AT_LIMIT_UP"]
    assert first["phase"] == "CONTINUOUS"
    assert (first["time"], first["volume"], first["limit_up"]) == (MORNING, 1200, None)


def test_only_the_asked_number_of_rows_is_decoded() -> None:
    assert len(document(ticks(5), 1)["payload"]) == 1
    assert document(ticks(5), 0)["payload"] == []


def test_a_frame_is_one_line_with_its_first_rows_as_a_table() -> None:
    head, names, first, second = lines(ticks(), 2)
    assert head == ("      12  features     session 20220601  09:31:03.000 to 09:31:06.000  2 ticks of 1 symbols")
    assert names.split()[:3] == ["symbol", "n", "time"]
    assert first.split()[0] == "300122.SZ"
    assert "87.3" in first.split()
    assert "CROSSED|AT_LIMIT_UP" in first.split()
    assert second.split()[-1] == "-"
    assert len({len(line) for line in (names, first, second)}) == 1


def test_without_rows_a_frame_is_one_line() -> None:
    assert len(lines(ticks(), 0)) == 1


def test_documents_are_one_line_of_names_and_values_with_times_of_the_exchange() -> None:
    (line,) = lines(Entry(3, Kind.SIGNAL, encode(signal())), 3)
    assert line.startswith("       3  signal       id=breakout-1  strategy=breakout")
    assert "as_of=09:31:03.000" in line
    assert "reason='87.3 above range 87.2'" in line
    (line,) = lines(Entry(4, Kind.OPPORTUNITY, encode(opportunity())), 3)
    assert "members=breakout" in line
    assert "closed=None" in line
    (line,) = lines(Entry(5, Kind.CLOCK, encode(Clock(time=MORNING, session=SESSION, phase=4))), 3)
    assert line.endswith("time=09:31:03.000  session=20220601  phase=4  end=False")


def test_a_document_is_json_as_it_is() -> None:
    found = document(Entry(3, Kind.SIGNAL, encode(signal())), None)
    assert found["payload"]["reference_price"] == 87.3
    assert found["hops"] == {}


@pytest.mark.parametrize("kind", [Kind.SIGNAL, Kind.TICKS])
def test_bytes_that_are_not_ours_are_a_contract_error(kind: Kind) -> None:
    with pytest.raises(ContractError):
        lines(Entry(1, kind, b"\xff\xfe"), 3)
