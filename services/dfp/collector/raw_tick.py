"""One tick as an outside producer writes it: a JSON document in the entry's only field, `d`.

Producers are programs that we do not know, so the document is strict: a name that is misspelt, a number that came as
text or a field that stands there twice is refused by name, and never read as something else or as nothing.
docs/raw_ticks.md and docs/raw_tick.schema.json describe it for them.
"""

import datetime as dt
import difflib
import functools
import json
import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dfp.collector.cells import FIRST_NS, LAST_NS, TIME_ALLOWED
from dfp.collector.cleaning import HIGHEST_PRICE, LARGEST_QUANTITY
from dfp.market.phases import DAY_NS, SECOND_NS, SHANGHAI_NS

MAX_BYTES = 4_096
"""A tick with five levels has some 600 bytes. What is far beyond that is no tick, and is not worth parsing."""

_TIME = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def _number(description: str, largest: float) -> Meta:
    # Told to producers, but not checked here: cleaning judges numbers of all feeds alike, under one set of reasons.
    return Meta(description=description, extra_json_schema={"minimum": 0, "maximum": largest})


_LAST = _number("Last price in yuan; 0 before the first trade.", HIGHEST_PRICE)
_PRICE = _number("Price in yuan; 0 or absent when there is none.", HIGHEST_PRICE)
_QUANTITY = _number("Shares (futures: contracts) at this price.", LARGEST_QUANTITY)
_VOLUME = _number("Volume of the session so far: shares (futures: contracts).", LARGEST_QUANTITY)
_TURNOVER = _number("Turnover of the session so far in yuan.", LARGEST_QUANTITY)
_PRE_CLOSE = _number("Previous close in yuan as the vendor gives it: it carries ex-rights.", HIGHEST_PRICE)
_LIMIT = _number("Price limit of the day in yuan; 0 = no limit today, absent = computed.", HIGHEST_PRICE)

Price = Annotated[float | None, _PRICE]
Quantity = Annotated[float | None, _QUANTITY]
Limit = Annotated[float | None, _LIMIT]
Text = Annotated[str, Meta(pattern=f"^{_TIME}$", max_length=40)]


class RawTick(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A snapshot of one instrument. A field that is absent or null says nothing."""

    symbol: Annotated[str, Meta(description="600000.SH, 000001.SZ, 920000.BJ, IF2101.CF; any case.", max_length=40)]
    time: Annotated[
        int | Text,
        Meta(
            description="Exchange time: text, in Shanghai unless it names its offset, or UTC nanoseconds.",
            examples=["2026-11-25 10:00:03.500", "2026-11-25T02:00:03.5Z", 1795572003500000000],
        ),
    ]
    last: Annotated[float, _LAST]
    volume: Annotated[float | None, _VOLUME] = None
    turnover: Annotated[float | None, _TURNOVER] = None
    bid1: Price = None
    ask1: Price = None
    bid1_volume: Quantity = None
    ask1_volume: Quantity = None
    pre_close: Annotated[float | None, _PRE_CLOSE] = None
    limit_up: Limit = None
    limit_down: Limit = None
    bid2: Price = None
    ask2: Price = None
    bid2_volume: Quantity = None
    ask2_volume: Quantity = None
    bid3: Price = None
    ask3: Price = None
    bid3_volume: Quantity = None
    ask3_volume: Quantity = None
    bid4: Price = None
    ask4: Price = None
    bid4_volume: Quantity = None
    ask4_volume: Quantity = None
    bid5: Price = None
    ask5: Price = None
    bid5_volume: Quantity = None
    ask5_volume: Quantity = None


FIELDS = RawTick.__struct_fields__
_NAMES = frozenset(FIELDS)
_NEEDED = ("symbol", "time", "last")

_decoder = msgspec.json.Decoder()
_tick_decoder = msgspec.json.Decoder(RawTick)


class NotATick(ValueError):
    """The bytes are no raw tick.

    Attributes:
        reason: short and countable: too-large, unparsable, unknown-field, missing-field, wrong-type, repeated-field or
            bad-time.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


def decode(text: bytes) -> tuple[RawTick, int]:
    """The tick in a document, and its time in UTC nanoseconds.

    Raises:
        NotATick: names the field and what is allowed. No other error, whatever the bytes are.
    """
    if len(text) > MAX_BYTES:
        raise NotATick("too-large", f"{len(text)} bytes; expected one tick in at most {MAX_BYTES} bytes")
    tick = _plain(text) or _odd(text)
    return tick, _nanoseconds(tick.time)


def _plain(text: bytes) -> RawTick | None:
    """The tick in a document that has nothing odd about it, as nearly all do; None for others, right or wrong.

    A name that is there twice is odd: JSON parsers disagree on which value holds. Names and texts without an escape
    have two quotation marks each, so counting finds it.
    """
    try:
        tick = _tick_decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    names = len(FIELDS) - msgspec.structs.astuple(tick).count(None)
    texts = 1 + isinstance(tick.time, str)
    return tick if text.count(b'"') == 2 * (names + texts) else None


def _odd(text: bytes) -> RawTick:
    """The tick in any document, one step after the other, so that what is wrong can be named."""
    try:
        found = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotATick("unparsable", f"expected a JSON object ({error})") from None
    if not isinstance(found, dict):
        raise NotATick("unparsable", f"{_shown(found)} is not allowed; expected a JSON object")
    if unknown := found.keys() - _NAMES:
        raise NotATick("unknown-field", _unknown(min(unknown)))
    if missing := [name for name in _NEEDED if name not in found]:
        raise NotATick("missing-field", f"{missing[0]}: it is missing; expected {', '.join(_NEEDED)} at least")
    try:
        tick = msgspec.convert(found, RawTick)
    except msgspec.ValidationError as error:
        raise _wrong(found, error) from None
    _check_repeats(text, found)
    return tick


def _wrong(found: dict[str, Any], error: msgspec.ValidationError) -> NotATick:
    name = str(error).rpartition("$.")[2].rstrip("`")
    value = _shown(found.get(name))
    if name == "time" and isinstance(found[name], str):
        return NotATick("bad-time", f"time: {value} is not allowed; expected {TIME_ALLOWED}")
    return NotATick("wrong-type", f"{name}: {value} is not allowed ({error})")


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name[:40], FIELDS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"expected some of {', '.join(FIELDS)}"
    return f"field {_shown(name)} is not allowed; {hint}"


def _check_repeats(text: bytes, found: dict[str, Any]) -> None:
    names = [name for name, _ in json.loads(text, object_pairs_hook=list)]
    for name in found:
        if names.count(name) > 1:
            raise NotATick("repeated-field", f"field {name!r} is there {names.count(name)} times; expected it once")


def _nanoseconds(time: int | str) -> int:
    if isinstance(time, str):
        try:
            nanoseconds = _of_text(time)
        except ValueError:
            raise NotATick("bad-time", f"time: {time!r} is not allowed; expected {TIME_ALLOWED}") from None
    else:
        nanoseconds = time
    if not FIRST_NS <= nanoseconds < LAST_NS:
        raise NotATick("bad-time", f"time: {_shown(time)} is not allowed; expected {TIME_ALLOWED}")
    return nanoseconds


def _of_text(text: str) -> int:
    matched = re.fullmatch(_TIME, text)
    if matched is None:  # the struct's pattern lets a line end pass behind the text
        raise ValueError(text)
    date, hour, minute, second, fraction, offset = matched.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        raise ValueError(text)
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second)
    local = _midnight(date) + seconds * SECOND_NS + int((fraction or "").ljust(9, "0"))
    return local - (SHANGHAI_NS if offset is None else _offset(offset))


@functools.lru_cache(maxsize=64)
def _midnight(date: str) -> int:
    return (dt.date.fromisoformat(date).toordinal() - dt.date(1970, 1, 1).toordinal()) * DAY_NS


def _offset(text: str) -> int:
    if text == "Z":
        return 0
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return (-1 if text[0] == "-" else 1) * (hours * 60 + minutes) * 60 * SECOND_NS


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
