"""The collector's settings: what is taken, and what an error says."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dfp.cli.run import settings_mistakes
from dfp.collector.replay import ReplayFeed
from dfp.collector.service import feed_of, sessions_of
from dfp.collector.settings import CollectorSettings, ReplayOptions, SyntheticOptions
from dfp.collector.synthetic import SyntheticFeed
from dfp.market.calendar import Calendar
from raw_rows import moment

CALENDAR = Calendar.shanghai()


def settings(monkeypatch: pytest.MonkeyPatch, feed: str, options: Any, frame_rows: str = "512") -> CollectorSettings:
    monkeypatch.setenv("DFP_FEED", feed)
    monkeypatch.setenv("DFP_FEED_OPTIONS", json.dumps(options))
    monkeypatch.setenv("DFP_FRAME_ROWS", frame_rows)
    return CollectorSettings()


def mistake(monkeypatch: pytest.MonkeyPatch, feed: str, options: Any, frame_rows: str = "512") -> str:
    with pytest.raises(ValidationError) as error:
        settings(monkeypatch, feed, options, frame_rows)
    return settings_mistakes(error.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ticks.csv"
    path.write_text("symbol,time,last\n600000.SH,2026-11-25 10:00:00,1\n")
    return path


def test_a_replay_has_files_and_runs_as_fast_as_possible(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    options = settings(monkeypatch, "replay", {"files": [str(file)]}).feed_options
    assert isinstance(options, ReplayOptions)
    feed, pace = feed_of(options, CALENDAR)
    assert isinstance(feed, ReplayFeed)
    assert pace(0).speed is None


def test_a_replay_carries_five_levels_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    options = settings(monkeypatch, "replay", {"files": [str(file)], "levels": 5}).feed_options
    feed, _ = feed_of(options, CALENDAR)
    (batch,) = feed.batches(0)
    assert "bid5" in (batch.rows.dtype.names or ())


def test_a_synthetic_market_runs_in_real_time_behind_a_pre_roll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DFP_FEED_OPTIONS", raising=False)
    monkeypatch.setenv("DFP_FEED", "synthetic")
    options = CollectorSettings().feed_options
    assert isinstance(options, SyntheticOptions)
    feed, pace = feed_of(options, CALENDAR)
    assert isinstance(feed, SyntheticFeed)
    assert (len(feed.market.symbols), feed.session, feed.sessions) == (300, 20261125, None)
    assert (pace(0).speed, pace(0).start) == (1.0, moment("10:00:00"))
    assert pace(moment("11:00:00")).start == moment("11:00:00")


def test_a_synthetic_session_on_a_holiday_becomes_the_next_trading_day(monkeypatch: pytest.MonkeyPatch) -> None:
    options = settings(monkeypatch, "synthetic", {"session": 20261001, "start": "09:30"}).feed_options
    feed, pace = feed_of(options, CALENDAR)
    assert isinstance(feed, SyntheticFeed)
    assert feed.session == 20261008
    assert pace(0).start == moment("09:30:00", "2026-10-08")


@pytest.mark.parametrize(
    ("feed", "options", "words"),
    [
        ("tencent", {}, ["DFP_FEED:", "'tencent'", "'replay', 'synthetic' or 'raw_ticks'"]),
        ("replay", {}, ["files", "is not set"]),
        ("replay", {"files": []}, ["files", "at least 1 item"]),
        ("replay", {"files": ["/nowhere.csv"]}, ["files", "/nowhere.csv: there is no such file"]),
        ("replay", {"files": ["x.csv"], "levels": 3}, ["levels", "3", "1 or 5"]),
        ("replay", {"files": ["x.csv"], "symbols": 3}, ["symbols", "3", "not permitted"]),
        ("synthetic", {"symbols": 0}, ["symbols", "0", "greater than or equal to 1"]),
        ("synthetic", {"symbols": 5552}, ["symbols", "5552", "less than or equal to 5551"]),
        ("synthetic", {"seed": -1}, ["seed", "-1"]),
        ("synthetic", {"start": "25:00"}, ["start", "'25:00'"]),
        ("synthetic", {"session": 20261301}, ["session", "20261301", "not a date"]),
        ("synthetic", {"speed": 0}, ["speed", "0", "greater than 0"]),
        ("synthetic", {"speed": float("inf")}, ["speed", "inf", "finite"]),
        ("synthetic", {"sessions": 0}, ["sessions", "0"]),
        ("raw_ticks", {"clock": "sun"}, ["clock", "'sun'", "'wall' or 'ticks'"]),
        ("synthetic", [1], ["DFP_FEED_OPTIONS", "[1]"]),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, feed: str, options: Any, words: list[str]
) -> None:
    message = mistake(monkeypatch, feed, options)
    assert [word for word in words if word not in message] == [], message


def test_a_wrong_frame_size_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    message = mistake(monkeypatch, "synthetic", {}, frame_rows="many")
    assert "DFP_FRAME_ROWS: 'many'" in message
    assert "1 to 65536, or random:SEED" in message


def test_days_beyond_the_calendar_are_uncertain_and_weekends_are_not() -> None:
    is_session = sessions_of(CALENDAR)
    beyond = CALENDAR.known_until // 10_000 + 5
    assert is_session(20261125) is True
    assert is_session(20261128) is False
    days = {is_session(beyond * 10_000 + 1100 + day) for day in range(1, 8)}
    assert days == {None, False}
