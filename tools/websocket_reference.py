"""Writes docs/websocket.md and docs/websocket.schema.json from the code; `--check` says whether they are up to date."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import msgspec

from dfp.contracts import codec
from dfp.contracts.errors import ContractError
from dfp.contracts.opportunity import Member, Opportunity, State
from dfp.contracts.risk import Alert, Severity
from dfp.contracts.signal import Direction
from dfp.streamer import filters, messages, schema
from dfp.streamer.door import RETRY_AFTER_S
from dfp.streamer.history import KEPT_BYTES
from dfp.streamer.hub import FRAME_BYTES
from dfp.streamer.incoming import LARGEST
from dfp.streamer.pacing import GAP_S, LONGEST_GAP_S
from dfp.streamer.request import PATH
from dfp.streamer.service import HEARTBEAT_S
from dfp.streamer.settings import StreamerSettings
from dfp.streamer.socket_client import MOST_ERRORS

FOLDER = Path(__file__).resolve().parent.parent / "docs"
PAGE = FOLDER / "websocket.md"
SCHEMA = FOLDER / "websocket.schema.json"

OPENED = 1_654_047_000_000_000_000
MEMBER = Member(
    strategy="breakout",
    group="breakout",
    signal="5b6c1f0d2a",
    confidence=0.7,
    strength=60.0,
    as_of=OPENED,
    expires=OPENED + 600_000_000_000,
    half_life_ns=300_000_000_000,
    reason="above its range",
)
OPPORTUNITY = codec.encode(
    Opportunity(
        id="3f9ac2d1",
        rev=1,
        symbol="600000.SH",
        session=20220601,
        side=Direction.UP,
        state=State.TRACKING,
        confidence=0.7,
        strength=60.0,
        opened=OPENED,
        as_of=OPENED,
        expires=MEMBER.expires,
        reference_price=10.5,
        members=[MEMBER],
    )
)
ALERT = codec.encode(
    Alert(
        id="a41c",
        rule="house/max-drawdown",
        severity=Severity.WARNING,
        target="strategy/breakout",
        time=OPENED,
        message="drawdown 6.2 % is above 5 %",
        value=0.062,
        threshold=0.05,
    )
)
WANTED = filters.make(symbols=["600000.SH", "000001.SZ"], min_confidence=0.6, alerts=True)
MISTAKE = ContractError("sides", "up", "one or more of Up, Down")
HOPS = {"ingest": OPENED + 4_000_000, "opportunity": OPENED + 6_100_000, "push": OPENED + 6_700_000}

EXAMPLES: dict[type[msgspec.Struct], bytes] = {
    schema.OpportunityMessage: messages.opportunity(124, OPPORTUNITY, HOPS),
    schema.SnapshotMessage: b"".join(messages.snapshot(123, [OPPORTUNITY], "entries after 0-7 are no longer kept")),
    schema.HeartbeatMessage: messages.heartbeat(124),
    schema.ResyncMessage: messages.resync(98, "the log has lost entries that were read"),
    schema.SubscribedMessage: messages.subscribed(124, WANTED),
    schema.AlertMessage: messages.alert(17, ALERT),
    schema.ErrorMessage: messages.error(124, MISTAKE),
}
SUBSCRIBE = b'{"type":"subscribe","symbols":["600000.SH","000001.SZ"],"min_confidence":0.6,"alerts":true}'

_settings = StreamerSettings.model_fields
BUFFER = _settings["client_buffer_bytes"].default
PATIENCE_S = _settings["client_patience_s"].default
PING_S = _settings["ping_s"].default
DRAIN_S = _settings["drain_s"].default

WORST_GIB = math.ceil(1_000 * (BUFFER + FRAME_BYTES + 3 * LARGEST + 400 * 1024) / 2**30 * 10) / 10

INTRODUCTION = f"""\
# WebSocket: opportunities as they happen

Made from `services/dfp/streamer/schema.py` by `tools/websocket_reference.py`; do not edit. All types as JSON Schema:
[websocket.schema.json](websocket.schema.json).

Connect to `ws://HOST:8888{PATH}` (the gateway) or `ws://HOST:8100{PATH}` (the streamer itself). Frames are text; each
holds **one or more** messages, one JSON object a line, joined by `\\n`: split a frame before you parse it.

## Request

| parameter | meaning |
|---|---|
| `last_id` | the last id that you know: everything that followed is sent. Without it, a snapshot comes first |
| `symbols`, `strategies`, `sides`, `states` | comma-separated; without one of them all pass |
| `min_confidence` | a number from 0 to 1 |
| `alerts` | `true`: risk alerts too, from now on |

A name or value that is not allowed is answered with 400 and a text that says what is. 404: another path; 401: the hook
`authorize` of the installation says no; 503 with `Retry-After: {RETRY_AFTER_S}`: the streamer is starting or ending.

## Order, and what is never lost

- `id` of every message but `alert` is the id of the stream of opportunities up to which you know everything that passes
  your filter. Keep the last one, and come back with it as `last_id`.
- After a resume you get exactly what you lack, or a `snapshot` with a `reason`: then replace all that you have.
- An opportunity is known by its `id`; drop a revision whose `rev` is not larger than the one you have.
- With a filter, the one revision by which an opportunity stops passing is still sent, so that you can drop it.
- What comes together goes out in one frame: the first message at once, then on average one frame each
  {GAP_S * 1e3:.0f} ms, {LONGEST_GAP_S * 1e3:.0f} ms under load.
- Long frames (snapshots beyond {FRAME_BYTES // 1024} KiB) are sent as WebSocket fragments, which every client library
  puts together.

## Slow clients, and the end of a connection

At most {BUFFER // 1024} KiB and one frame wait for a client in the streamer, and about as much in the kernel. A client
that does not take them is served from the shared history, then from the log, at its own pace; others do not notice.

| code | why | what to do |
|---|---|---|
| 1012 | the streamer restarts; clients are spread over {DRAIN_S:g} s | come back with `last_id`, after a random pause |
| 1013 | too slow: nothing was taken for {PATIENCE_S:g} s; or the log cannot be reached | come back with `last_id` |
| 1008 | {MOST_ERRORS} errors | mend the client |
| 1009 | a message over {LARGEST // 1024} KiB | ask for less |
| 1007, 1002 | text that is not UTF-8; frames that no WebSocket has | mend the client |
| 1001 | no answer to a ping, which comes each {PING_S:g} s | come back with `last_id` |

A heartbeat comes each {HEARTBEAT_S:g} s: three of them missing, and the connection is dead.

## For those who run it

Settings of the streamer are environment variables: `DFP_SHARDS` processes serve the one port, each on a core of its
own; `DFP_AUTHORIZE=package.module:function` is asked `(path, headers)` in each handshake and answers None or why not;
`DFP_DRAIN_S`, `DFP_CLIENT_BUFFER_BYTES`, `DFP_CLIENT_PATIENCE_S` and `DFP_PING_S` change what stands above. `/metrics`
on the health port has clients, frames, bytes, the ends of connections by reason, the delay of revisions, the history.

Memory is bounded whatever clients do. In a process the history takes {2 * KEPT_BYTES // 2**20} MiB at most, and 10 MiB
beside. A client that reads nothing holds {(BUFFER + FRAME_BYTES) // 1024} KiB of frames, and {2 * BUFFER // 1024} KiB
in the kernel; one that sends the largest messages {3 * LARGEST // 1024} KiB for them and 400 KiB for its filter. 1,000
clients that do all of this hold less than {WORST_GIB:g} GiB; 1,000 that keep up some 30 MB.

## What you may send

"""


def page() -> str:
    """The page."""
    parts = [INTRODUCTION, _section(schema.Subscribe, SUBSCRIBE), "## What you get\n\n"]
    parts += [_section(kind, EXAMPLES[kind]) for kind in schema.SERVER_MESSAGES]
    parts.append("## Documents\n\n")
    parts += [_section(kind, None) for kind in (Opportunity, Member, Alert, schema.Reason, schema.Mistake)]
    return "".join(parts).rstrip("\n") + "\n"


def schemas() -> str:
    """All types as one JSON Schema document: what the server sends, and under $defs each type by its name."""
    roots, components = msgspec.json.schema_components(
        [*schema.SERVER_MESSAGES, schema.Subscribe], ref_template="#/$defs/{name}"
    )
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of the server",
        "oneOf": list(roots[:-1]),
        "$defs": dict(sorted(components.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _section(kind: type[msgspec.Struct], example: bytes | None) -> str:
    name = kind.__name__.removesuffix("Message")
    title = f"`{name.lower()}`" if example else name
    text = f"### {title}\n\n{_description(kind)}\n\n| field | needed | type |\n|---|---|---|\n"
    (_,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    found = components[kind.__name__]
    needed = set(found.get("required", ()))
    for field, described in found["properties"].items():
        cells = (f"`{field}`", "yes" if field in needed else "no", _type(described, components))
        text += "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    return text + (f"\n```json\n{example.decode()}\n```\n\n" if example else "\n")


def _description(kind: type[msgspec.Struct]) -> str:
    """The docstring, its attributes as a list."""
    text, _, attributes = (kind.__doc__ or "").partition("\n\n    Attributes:\n")
    paragraphs = [" ".join(line.strip() for line in one.splitlines()) for one in text.strip().split("\n\n")]
    items: list[str] = []
    for line in attributes.strip().splitlines():
        if line.startswith("            "):
            items[-1] += f" {line.strip()}"
        else:
            names, _, meaning = line.strip().partition(":")
            items.append(f"- {', '.join(f'`{one.strip()}`' for one in names.split(','))}:{meaning}")
    return "\n\n".join([*paragraphs, *(["\n".join(items)] if items else [])])


def _type(found: dict[str, Any], components: dict[str, Any]) -> str:
    """A JSON Schema in words."""
    if "$ref" in found:
        named = components[found["$ref"]]
        return _type(named, components) if "enum" in named else found["$ref"]
    if "anyOf" in found:
        return " or ".join(_type(one, components) for one in found["anyOf"])
    if "enum" in found:
        return " or ".join(f"`{value}`" for value in found["enum"])
    if "const" in found:
        return f"`{found['const']}`"
    kind = str(found.get("type", "any"))
    if kind == "array":
        return f"list of {_type(found['items'], components)}"
    if kind == "object" and "additionalProperties" in found:
        return f"object of {_type(found['additionalProperties'], components)}"
    limits = [f"{sign} {found[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in found]
    return f"{kind} {', '.join(limits)}".strip()


if __name__ == "__main__":
    for path, text in ((PAGE, page()), (SCHEMA, schemas())):
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            sys.exit(f"{path.name} is out of date: run tools/websocket_reference.py")
