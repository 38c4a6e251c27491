"""Pages that are made from code say what the code says."""

import json
import re
import subprocess
import sys

import msgspec
import pytest

from conftest import ROOT
from dfp.streamer import request, schema


@pytest.mark.parametrize("tool", ["feature_catalogue", "api_reference", "websocket_reference"])
def test_a_page_is_up_to_date(tool: str) -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / f"{tool}.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def test_each_example_of_the_websocket_page_is_a_message() -> None:
    examples = re.findall(r"```json\n(.*?)\n```", (ROOT / "docs" / "websocket.md").read_text(), re.DOTALL)
    asked, *told = examples
    assert request.parse_message(asked.encode()).alerts
    assert [type(schema.decode(example)) for example in told] == list(schema.SERVER_MESSAGES)


def test_the_schema_of_the_websocket_has_each_message() -> None:
    found = json.loads((ROOT / "docs" / "websocket.schema.json").read_text())
    assert {one["$ref"].rpartition("/")[2] for one in found["oneOf"]} == {
        kind.__name__ for kind in schema.SERVER_MESSAGES
    }
    assert "Subscribe" in found["$defs"]


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"nothing","id":"0-1","payload":{}}',
        '{"type":"heartbeat","id":"1654047063-0","payload":{}}',
        '{"type":"heartbeat","id":"0-1","payload":{},"more":1}',
        "[]",
    ],
)
def test_what_the_streamer_never_sends_is_no_message(line: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        schema.decode(line)
