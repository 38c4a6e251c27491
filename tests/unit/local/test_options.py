from pathlib import Path

import pytest

from dfp.local.mistake import UserMistake
from dfp.local.options import (
    Options,
    check_report,
    check_source,
    duration,
    frame_rows,
    prefix,
    redis_url,
    speed,
)
from dfp.local.source import Source


def options(**changed: object) -> Options:
    values: dict[str, object] = {
        "manifests": (Path("examples"),),
        "source": Source.SYNTHETIC,
        "data": (),
        "reference": (),
        "clock": None,
        "speed": 1.0,
        "symbols": None,
        "seed": None,
        "duration_s": None,
        "report": None,
        "redis_url": None,
        "data_dir": None,
        "prefix": "dfp",
        "frame_rows": "512",
        "http_port": 8888,
        "api_port": 8000,
        "ws_port": 8100,
    }
    return Options(**{**values, **changed})  # type: ignore[arg-type]


def test_a_synthetic_market_runs_at_the_speed_of_the_clock_and_a_replay_as_fast_as_it_can() -> None:
    assert speed(None, Source.SYNTHETIC) == 1.0
    assert speed(None, Source.REPLAY) is None


def test_a_given_speed_holds_for_both_sources() -> None:
    for source in Source:
        assert speed("20", source) == 20.0
        assert speed("0.5", source) == 0.5
        assert speed("max", source) is None


@pytest.mark.parametrize("text", ["0", "-1", "fast", "nan", "inf", "", "1x"])
def test_a_speed_that_is_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(UserMistake, match=f"--speed: '{text}' is not allowed; expected a number above 0"):
        speed(text, Source.REPLAY)


def test_durations_have_units() -> None:
    assert (duration(None), duration("60s"), duration("15m"), duration("500ms")) == (None, 60.0, 900.0, 0.5)


@pytest.mark.parametrize("text", ["60", "0s", "-5s", "1 h", "soon"])
def test_a_duration_without_a_unit_or_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(UserMistake, match=f"--for: '{text}' is not allowed; expected a whole number with a unit"):
        duration(text)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379", "rediss://host", "unix:///run/redis.sock", None])
def test_redis_urls_pass(url: str | None) -> None:
    assert redis_url(url) == url


@pytest.mark.parametrize("url", ["127.0.0.1:6379", "http://host", "redis://", "unix://socket", ""])
def test_what_is_no_redis_url_is_refused(url: str) -> None:
    with pytest.raises(UserMistake, match=f"--redis: '{url}' is not allowed; expected redis://HOST:PORT"):
        redis_url(url)


def test_a_prefix_that_services_would_refuse_is_refused_first() -> None:
    assert prefix("desk-1") == "desk-1"
    for text in ("", "Desk", "1desk", "a:b", "a" * 42):
        with pytest.raises(UserMistake, match="--prefix: "):
            prefix(text)


def test_frame_rows_are_a_number_or_random_with_a_seed() -> None:
    assert frame_rows("1") == "1"
    assert frame_rows("random:7") == "random:7"
    with pytest.raises(UserMistake, match="--frame-rows: 'random' is not allowed; expected 1 to 65536, or random"):
        frame_rows("random")


def test_data_without_a_replay_is_refused_with_what_to_add() -> None:
    with pytest.raises(UserMistake, match=r"--data: 'day\.parquet' is not allowed; .*add --source replay"):
        check_source(options(data=(Path("day.parquet"),)))


def test_a_replay_without_data_is_refused() -> None:
    with pytest.raises(UserMistake, match="--data is missing; --source replay needs at least one file"):
        check_source(options(source=Source.REPLAY))


@pytest.mark.parametrize("option", ["symbols", "seed"])
def test_options_of_the_synthetic_market_are_refused_with_a_replay(option: str) -> None:
    with pytest.raises(UserMistake, match=rf"--{option}: 5 is not allowed"):
        check_source(options(source=Source.REPLAY, data=(Path("x.csv"),), **{option: 5}))


def test_files_that_cannot_be_replayed_are_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    for file, reason in (("gone.csv", "there is no such file"), ("notes.txt", "unknown kind of file")):
        with pytest.raises(UserMistake, match=f"--data: .*{file}: {reason}"):
            check_source(options(source=Source.REPLAY, data=(tmp_path / file,)))


def test_a_market_that_cannot_be_invented_is_refused_by_option() -> None:
    check_source(options(symbols=5551, seed=0))
    with pytest.raises(UserMistake, match="--symbols: 5552 is not allowed; expected less than or equal to 5551"):
        check_source(options(symbols=5552))
    with pytest.raises(UserMistake, match="--seed: -1 is not allowed; expected greater than or equal to 0"):
        check_source(options(seed=-1))


def test_a_report_that_could_not_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    check_report(None)
    check_report(tmp_path / "r.json")
    for report in (tmp_path, tmp_path / "no" / "r.json"):
        with pytest.raises(UserMistake, match=r"--report: .* is not allowed; expected a file in an existing folder"):
            check_report(report)


def test_the_feed_of_a_replay_is_told_absolute_paths_because_services_may_run_elsewhere() -> None:
    told = options(source=Source.REPLAY, data=(Path("day.csv"),), speed=None).feed_options()
    assert told == {"files": [str(Path.cwd() / "day.csv")], "speed": None}


def test_what_was_not_asked_for_is_left_to_the_synthetic_feed() -> None:
    assert options().feed_options() == {"speed": 1.0}
    assert options(symbols=10, seed=3).feed_options() == {"speed": 1.0, "symbols": 10, "seed": 3}
