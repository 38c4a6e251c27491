"""What reference data fill in where a source is silent, and what they never override."""

from pathlib import Path

import pytest

from dfp.market.reference import ReferenceData
from raw_rows import SESSION, batch, collector, read, run

HEADER = "symbol,session,pre_close,limit_up,limit_down,st"


def tick(folder: Path, facts: str, **row: object) -> dict[str, int]:
    path = folder / "reference.csv"
    path.write_text(f"{HEADER}\n{facts}\n")
    work = run([batch(row)], collector(reference=ReferenceData.load([path])))
    (frame,) = read(work).frames
    return {name: int(frame[name][0]) for name in ("pre_close", "limit_up", "limit_down")}


def test_a_missing_previous_close_and_its_limits_are_filled_in(tmp_path: Path) -> None:
    facts = f"600000.SH,{SESSION},10.00,10.80,9.20,false"
    assert tick(tmp_path, facts) == {"pre_close": 100_000, "limit_up": 108_000, "limit_down": 92_000}


def test_limits_follow_from_a_previous_close_that_was_filled_in(tmp_path: Path) -> None:
    facts = f"600000.SH,{SESSION},10.00,,,"
    assert tick(tmp_path, facts) == {"pre_close": 100_000, "limit_up": 110_000, "limit_down": 90_000}


@pytest.mark.parametrize(
    ("day", "st", "up"),
    [
        ("2026-07-03", "true", 105_000),
        ("2026-07-03", "false", 110_000),
        ("2026-07-03", "", 110_000),
        ("2026-07-06", "true", 110_000),
    ],
)
def test_a_main_board_share_under_special_treatment_has_the_limit_of_its_date(
    tmp_path: Path, day: str, st: str, up: int
) -> None:
    facts = f"600000.SH,{day.replace('-', '')},,,,{st}"
    assert tick(tmp_path, facts, pre_close=10.0, day=day)["limit_up"] == up


def test_what_the_vendor_says_wins(tmp_path: Path) -> None:
    facts = f"600000.SH,{SESSION},10.00,11.00,9.00,true"
    row = {"pre_close": 20.0, "limit_up": 22.0, "limit_down": 18.0}
    assert tick(tmp_path, facts, **row) == {"pre_close": 200_000, "limit_up": 220_000, "limit_down": 180_000}
    assert tick(tmp_path, facts, **{**row, "limit_up": 0.0, "limit_down": 0.0})["limit_up"] == 0


def test_known_to_have_no_limit_is_no_limit(tmp_path: Path) -> None:
    assert tick(tmp_path, f"600000.SH,{SESSION},10.00,0,0,") == {"pre_close": 100_000, "limit_up": 0, "limit_down": 0}


def test_facts_of_another_day_or_symbol_change_nothing(tmp_path: Path) -> None:
    nothing = {"pre_close": 0, "limit_up": 0, "limit_down": 0}
    assert tick(tmp_path, f"600000.SH,{SESSION - 1},10.00,11,9,") == nothing
    assert tick(tmp_path, f"600001.SH,{SESSION},10.00,11,9,") == nothing


def test_each_session_has_its_own_facts(tmp_path: Path) -> None:
    path = tmp_path / "reference.csv"
    path.write_text(f"{HEADER}\n600000.SH,20261125,10,,,\n600000.SH,20261126,20,,,\n000001.SZ,20261126,5,,,\n")
    rows = batch({"day": "2026-11-25"}, {"day": "2026-11-26"}, {"day": "2026-11-26", "symbol": "000001.SZ"})
    log = read(run([rows], collector(reference=ReferenceData.load([path]))))
    assert log.ticks["pre_close"].tolist() == [100_000, 200_000, 50_000]
    assert log.ticks["limit_up"].tolist() == [110_000, 220_000, 55_000]
