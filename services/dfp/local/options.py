"""What `dfp up` was asked for, checked: each refusal names the option, the value and what is allowed."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from dfp.contracts.errors import ContractError
from dfp.local.mistake import UserMistake, refuse
from dfp.local.source import Source
from dfp_operator.api.values import nanoseconds

MAX = "max"


@dataclass(frozen=True, slots=True)
class Options:
    """A run.

    Attributes:
        manifests: files and folders.
        speed: event seconds a wall second; None = as fast as possible.
        symbols, seed: of the synthetic market; None leaves them to the feed.
        duration_s: end after so many seconds; None = a replay's end, else never.
        reference: tables of reference data.
        clock: what raw ticks are timed by: wall or ticks.
        redis_url: None = the embedded Valkey.
        data_dir: None = a new one that is removed at the end.
    """

    manifests: tuple[Path, ...]
    source: Source
    data: tuple[Path, ...]
    reference: tuple[Path, ...]
    clock: str | None
    speed: float | None
    symbols: int | None
    seed: int | None
    duration_s: float | None
    report: Path | None
    redis_url: str | None
    data_dir: Path | None
    prefix: str
    frame_rows: str
    http_port: int
    api_port: int
    ws_port: int

    def feed_options(self) -> dict[str, object]:
        """What the collector is told of its feed."""
        if self.source is Source.REPLAY:
            return {"files": [str(file.absolute()) for file in self.data], "speed": self.speed}
        if self.source is Source.RAW_TICKS:
            return {} if self.clock is None else {"clock": self.clock}
        given = {"symbols": self.symbols, "seed": self.seed}
        return {"speed": self.speed, **{name: value for name, value in given.items() if value is not None}}


def speed(text: str | None, source: Source) -> float | None:
    """The speed that `--speed` means: 1 for a synthetic market and as fast as possible for a replay unless given.

    Raises:
        UserMistake: neither a positive number nor max.
    """
    if text is None:
        return 1.0 if source is Source.SYNTHETIC else None
    if text == MAX:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        refuse("--speed", text, "a number above 0 such as 1 or 20, or max")
    return number


def duration(text: str | None) -> float | None:
    """Seconds that `--for` means.

    Raises:
        UserMistake: not a duration.
    """
    if text is None:
        return None
    try:
        return nanoseconds(text) / 1e9
    except ContractError:
        refuse("--for", text, "a whole number with a unit: 500ms, 60s, 15m or 1h")


def redis_url(text: str | None) -> str | None:
    """The URL that `--redis` gives.

    Raises:
        UserMistake: another scheme, or no host or path.
    """
    if text is not None and not (text.startswith(("redis://", "rediss://", "unix:///")) and text.partition("://")[2]):
        refuse("--redis", text, "redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH")
    return text


def prefix(text: str) -> str:
    """The stream prefix that `--prefix` gives.

    Raises:
        UserMistake: not a name that services take.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", text):
        refuse("--prefix", text, "1 to 41 lower-case letters, digits, '-' and '_', first a letter")
    return text


def frame_rows(text: str) -> str:
    """The size of frames that `--frame-rows` gives.

    Raises:
        UserMistake: neither a number of rows nor random:SEED.
    """
    from dfp.collector.framing import FrameRows

    try:
        FrameRows.parse(text)
    except ContractError as error:
        refuse("--frame-rows", text, error.allowed)
    return text


def check_source(options: Options) -> None:
    """Refuse options that do not belong to the source, and files that cannot be replayed.

    Raises:
        UserMistake: names the option.
    """
    source = options.source
    if options.clock is not None and source is not Source.RAW_TICKS:
        refuse("--clock", options.clock, f"no --clock with --source {source}; add --source {Source.RAW_TICKS}")
    if options.clock not in (None, "wall", "ticks"):
        refuse("--clock", options.clock, "wall, or ticks for trials outside of trading hours")
    if options.data and source is not Source.REPLAY:
        refuse("--data", " ".join(map(str, options.data)), f"no --data with --source {source}; add --source replay")
    if source is Source.SYNTHETIC:
        _check_market(options)
        return
    for option, value in (("--symbols", options.symbols), ("--seed", options.seed)):
        if value is not None:
            refuse(option, value, f"no {option} with --source {source}, where the ticks say it all")
    if source is Source.RAW_TICKS:
        return
    if not options.data:
        raise UserMistake("--data is missing; --source replay needs at least one file: --data FILE")
    from dfp.collector.feed import FeedError
    from dfp.collector.replay import ReplayFeed

    try:
        ReplayFeed(options.data)
    except FeedError as error:
        raise UserMistake(f"--data: {error}") from None


def _check_market(options: Options) -> None:
    from pydantic import ValidationError

    from dfp.collector.settings import SyntheticOptions

    try:
        SyntheticOptions.model_validate({"feed": Source.SYNTHETIC.value, **options.feed_options()})
    except ValidationError as error:
        (problem, *_) = error.errors(include_url=False)
        refuse(f"--{problem['loc'][0]}", problem["input"], problem["msg"].removeprefix("Input should be "))


def check_reference(paths: tuple[Path, ...]) -> None:
    """Refuse tables of reference data that cannot be used.

    Raises:
        UserMistake: names file, row and column.
    """
    from dfp.market.reference import ReferenceData, ReferenceDataError

    try:
        ReferenceData.load(paths)
    except ReferenceDataError as error:
        raise UserMistake(f"--reference: {error}") from None


def check_report(report: Path | None) -> None:
    """Refuse a report that could not be written, before the run and not after it.

    Raises:
        UserMistake: its folder does not exist, or it is a folder.
    """
    if report is not None and (report.is_dir() or not report.absolute().parent.is_dir()):
        refuse("--report", report, "a file in an existing folder")
