"""A raw tick is read exactly, or refused by the name of what is wrong with it."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT
from dfp.collector.raw_tick import FIELDS, MAX_BYTES, NotATick, RawTick, decode
from dfp.collector.raw_ticks import Arrivals, read
from raw_entries import document
from raw_rows import moment

TEN = moment("10:00:00")


def refusal(text: bytes) -> tuple[str, str]:
    with pytest.raises(NotATick) as error:
        decode(text)
    return error.value.reason, str(error.value)


def arrivals(*texts: bytes, levels: int = 1) -> Arrivals:
    return read([(b"1795572000000-%d" % number, {b"d": text}) for number, text in enumerate(texts)], 0, levels)


def test_every_field_is_read() -> None:
    numbers = {name: float(place) for place, name in enumerate(FIELDS[2:], 1)}
    tick, time = decode(document(**numbers))
    assert tick == RawTick(symbol="600000.SH", time="2026-11-25 10:00:00", **numbers)
    assert time == TEN


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-25 10:00:00", TEN),
        ("2026-11-25T10:00:00.5", TEN + 500_000_000),
        ("2026-11-25 10:00:00.123456789", TEN + 123_456_789),
        ("2026-11-25T10:00:00+08:00", TEN),
        ("2026-11-25T02:00:00Z", TEN),
        ("2026-11-24T21:30:00-04:30", TEN),
        (TEN + 1, TEN + 1),
    ],
)
def test_a_time_is_exchange_time_unless_it_names_its_offset_or_nanoseconds(text: object, time: int) -> None:
    assert decode(document(time=text))[1] == time


@pytest.mark.parametrize(
    "text",
    [
        "10:00:00",
        "2026-11-25",
        "2026-11-25 10:00",
        "2026-11-25 24:00:00",
        "2026-11-25 10:60:00",
        "2026-02-30 10:00:00",
        "2026-11-25 10:00:00.1234567890",
        "2026-11-25 10:00:00 +08:00",
        "2026-11-25 10:00:00+24:00",
        "2026-11-25 10:00:00\n",
        "２026-11-25 10:00:00",
        "1980-01-01 10:00:00",
        TEN // 10**6,
        2**70,
        -1,
    ],
)
def test_what_is_no_time_is_refused(text: object) -> None:
    reason, detail = refusal(document(time=text))
    assert reason == "bad-time"
    assert "nanoseconds as a whole number" in detail


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        (b"", "unparsable", "JSON object"),
        (b"{", "unparsable", "JSON object"),
        (b"[]", "unparsable", "[]"),
        (b"null", "unparsable", "None"),
        (b'"tick"', "unparsable", "'tick'"),
        (b"\xff\xfe", "unparsable", "JSON object"),
        (b'{"symbol": "\xff"}', "unparsable", "utf-8"),
        (b'{"symbol": "\\ud800"}', "unparsable", "JSON object"),
        (b"[" * 4000, "unparsable", "recursion"),
        (b'{"last": NaN}', "unparsable", "JSON object"),
        (b'{"last": -Infinity}', "unparsable", "JSON object"),
        (b'{"last": 1e400}', "unparsable", "out of range"),
        (document() + b"x", "unparsable", "trailing"),
        (document(volumne=1), "unknown-field", "field 'volumne' is not allowed; did you mean volume?"),
        (document(zzzzzz=1), "unknown-field", "expected some of symbol, time, last"),
        (document(symbol=None), "missing-field", "symbol: it is missing"),
        (document(time=None), "missing-field", "time: it is missing"),
        (document(last=None), "missing-field", "last: it is missing"),
        (document(last="10.0"), "wrong-type", "last: '10.0' is not allowed"),
        (document(last=True), "wrong-type", "last: True is not allowed"),
        (document(last=[1]), "wrong-type", "last: [1] is not allowed"),
        (document(symbol=600000), "wrong-type", "symbol: 600000 is not allowed"),
        (document(symbol="6" * 41), "wrong-type", "symbol"),
        (document(time=1.5), "wrong-type", "time: 1.5 is not allowed"),
        (document(bid1={"price": 1}), "wrong-type", "bid1: {'price': 1} is not allowed"),
        (b'{"symbol":"600000.SH","last":1,"time":1795572000000000000,"last":2}', "repeated-field", "'last' is there 2"),
        (b'{"symbol":"600000.SH","last":1,"time":1795572000000000000,"l\\u0061st":2}', "repeated-field", "'last'"),
        (document(symbol="6" * MAX_BYTES), "too-large", f"at most {MAX_BYTES} bytes"),
    ],
)
def test_what_is_no_tick_is_refused_by_name(text: bytes, reason: str, words: str) -> None:
    found, detail = refusal(text)
    assert found == reason
    assert words in detail
    assert len(detail) < 600


def test_an_escape_is_no_repeat() -> None:
    text = b'{"symbol":"\\u0036\\"00","l\\u0061st":1,"time":1795572000000000000}'
    assert decode(text)[0].symbol == '6"00'


def test_a_field_that_is_null_is_absent() -> None:
    text = b'{"symbol":"600000.SH","time":"2026-11-25 10:00:00","last":1,"bid1":null}'
    assert decode(text)[0].bid1 is None
    (row,) = arrivals(text).batch.rows
    assert np.isnan(row["bid1"])
    assert np.isnan(row["volume"])


def test_rows_carry_what_the_documents_say() -> None:
    first, second = document(volume=100, ask1_volume=7), document(symbol="000001.SZ", bid1=9.9, pre_close=9)
    batch = arrivals(first, b"junk", second).batch
    assert batch.position == 3
    assert batch.symbols == ("600000.SH", "000001.SZ")
    assert batch.rows["number"].tolist() == [1, 3]
    assert batch.rows["symbol"].tolist() == [0, 1]
    assert batch.rows["time"].tolist() == [TEN, TEN]
    assert batch.rows["volume"][0] == 100
    assert batch.rows["ask1_volume"][0] == 7
    assert batch.rows["bid1"][1] == 9.9
    assert batch.rows["pre_close"][1] == 9
    assert [(row.number, row.reason, row.record) for row in batch.refused] == [(2, "unparsable", b"junk")]
    assert batch.refused[0].detail.startswith("entry 1795572000000-1: ")


def test_deeper_levels_are_kept_when_they_are_asked_for() -> None:
    text = document(bid2=9.9, ask5_volume=3)
    assert "bid2" not in arrivals(text).batch.rows.dtype.names
    (row,) = arrivals(text, levels=5).batch.rows
    assert (row["bid2"], row["ask5_volume"]) == (9.9, 3)
    assert np.isnan(row["ask2"])


def test_equal_documents_have_equal_fingerprints_and_others_have_not() -> None:
    rows = arrivals(document(), document(), document(last=10.1)).batch.rows
    one, two, three = rows["fingerprint"].tolist()
    assert one == two != three


@pytest.mark.parametrize("fields", [{}, {b"data": document()}, {b"d": document(), b"e": b""}, {b"\xff": b"\xff"}])
def test_an_entry_with_other_fields_is_refused(fields: dict[bytes, bytes]) -> None:
    found = read([(b"1795572000000-0", fields)], 0, 1)
    (row,) = found.batch.refused
    assert row.reason == "no-document"
    assert "expected one field d" in row.detail
    assert len(found.batch) == 0


def test_an_id_that_is_no_time_is_refused() -> None:
    found = read([(b"18446744073709551615-18446744073709551615", {b"d": document()})], 0, 1)
    assert [row.reason for row in found.batch.refused] == ["bad-id"]
    assert found.times.tolist() == [0]
    assert found.entry == (2**64 - 1, 2**64 - 1)


def test_the_page_shows_a_tick_and_names_every_reason() -> None:
    page = (ROOT / "docs" / "raw_ticks.md").read_text()
    (example,) = re.findall(r"XADD dfp:raw_ticks '\*' d '(.*?)'", page, re.DOTALL)
    assert decode(example.encode())[0].volume == 1_234_500
    sources = "".join(
        (ROOT / "services" / "dfp" / "collector" / name).read_text()
        for name in ("raw_tick.py", "raw_ticks.py", "live_core.py")
    )
    reasons = re.findall(r'(?:NotATick\(|reason, detail = |rejected/)"?([a-z-]+)"', sources)
    assert len(set(reasons)) >= 13
    assert [reason for reason in reasons if f"`{reason}`" not in page and reason != "not-a-session"] == []


def test_the_schema_is_up_to_date() -> None:
    command = [sys.executable, ROOT / "tools" / "raw_tick_schema.py", "--check"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def test_the_schema_describes_every_field() -> None:
    described = json.loads((ROOT / "docs" / "raw_tick.schema.json").read_text())["$defs"]["RawTick"]
    assert set(described["properties"]) == set(FIELDS)
    assert described["required"] == ["symbol", "time", "last"]
    assert described["additionalProperties"] is False
    assert all("description" in field for field in described["properties"].values())
