"""Settings of the collector: which feed, with which options."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dfp.collector.framing import FrameRows
from dfp.collector.replay import ReplayFeed
from dfp.collector.synthetic_market import LARGEST
from dfp.market.phases import date_of
from dfp.runtime.settings import ReferenceSettings

Speed = Annotated[float | None, Field(gt=0, allow_inf_nan=False)]
"""Event seconds a wall second; None = as fast as rows can be taken."""


class ReplayOptions(BaseModel):
    """Options of the replay feed.

    Attributes:
        files: .parquet, .csv or .csv.gz, one after the other.
        levels: of the book that ticks carry; what a file does not have of them is absent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: Literal["replay"]
    files: Annotated[list[Path], Field(min_length=1)]
    speed: Speed = None
    levels: Literal[1, 5] = 1

    @field_validator("files")
    @classmethod
    def _can_be_replayed(cls, files: list[Path]) -> list[Path]:
        ReplayFeed(files)
        return files


class SyntheticOptions(BaseModel):
    """Options of the synthetic feed.

    Attributes:
        symbols: how many names.
        session: first trading day, yyyymmdd. It is fixed, so that two runs without options are the same.
        start: exchange time of the first session up to which rows are not paced, so that windows are full at once.
        sessions: end after so many; None = never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: Literal["synthetic"]
    symbols: Annotated[int, Field(ge=1, le=LARGEST)] = 300
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    session: Annotated[int, Field(ge=19901219, le=20991231)] = 20261125
    start: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "10:00"
    sessions: Annotated[int | None, Field(ge=1)] = None
    speed: Speed = 1.0

    @field_validator("session")
    @classmethod
    def _is_a_date(cls, session: int) -> int:
        date_of(session)
        return session


class RawTicksOptions(BaseModel):
    """Options of the feed of outside producers.

    Attributes:
        clock: `wall`: event time is the wall clock, and ticks whose time is far from it are refused. `ticks`: the ticks
            are believed, whatever day and hour they name, and event time stands still while they are silent.
        levels: of the book that ticks carry; deeper ones of the documents are left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: Literal["raw_ticks"]
    clock: Literal["wall", "ticks"] = "wall"
    levels: Literal[1, 5] = 1


class CollectorSettings(ReferenceSettings):
    """What the collector reads from its environment."""

    feed: Literal["replay", "synthetic", "raw_ticks"]
    feed_options: Annotated[ReplayOptions | SyntheticOptions | RawTicksOptions, Field(discriminator="feed")]
    frame_rows: str = "512"

    @model_validator(mode="before")
    @classmethod
    def _options_of_the_feed(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """Check the options against the chosen feed only, so that an error speaks of that feed's options."""
        options = data.get("feed_options", {})
        tagged = {**options, "feed": data.get("feed")} if isinstance(options, Mapping) else options
        return {**data, "feed_options": tagged}

    @field_validator("frame_rows")
    @classmethod
    def _known_frame_rows(cls, frame_rows: str) -> str:
        FrameRows.parse(frame_rows)
        return frame_rows
