"""Writes docs/api.md from the API's own description; `--check` says whether it is up to date."""

import json
import sys
from pathlib import Path
from typing import Any

from dfp.api import examples
from dfp.api.app import create_app
from dfp.api.described import PROBLEMS
from dfp.api.inquiry import Inquiry
from dfp.api.memory import Memory
from dfp.contracts.names import Names
from dfp.log.connection import connect
from dfp.runtime.probes import Health

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"

BASE = "http://localhost:8888/api"

INTRODUCTION = f"""\
# API

Made from the code by `tools/api_reference.py`; do not edit.

## REST

Through the gateway all routes are below `/api`, and the service itself has them on port 8000. `/openapi.json` describes
them for programs.

- Times are UTC nanoseconds, prices yuan, volumes shares. What is absent is null.
- Lists are newest first. `next` is the cursor of the page behind: give it back as `cursor`, unchanged. A page begins
  strictly behind the entry at which the page before ended, whatever has come meanwhile; an opportunity that was revised
  meanwhile has moved to the front. A cursor of another version is refused.
- Errors are problem details (RFC 9457, `application/problem+json`) that name each wrong field, its value and what is
  allowed. A parameter that does not exist is an error too.
{chr(10).join(f"- {status}: {meaning}." for status, meaning in PROBLEMS.items())}
- A head may have 16 KB and a body 64 KB; beyond them the answer is 431 or 413, and the connection is closed.
- Answers come from memory that follows the log, so they go on while Redis is away. Only halts, policies, verdicts,
  strategies and `/pipeline` ask Redis, for a second at most.

A wrong request:

```sh
curl '{BASE}/opportunities?state=Open'
```

```json
{{
  "status": 422,
  "title": "Unprocessable Entity",
  "detail": "state: 'Open' is not allowed, expected 'Tracking', 'Confirmed' or 'Closed'",
  "errors": [
    {{
      "field": "state",
      "value": "Open",
      "allowed": "'Tracking', 'Confirmed' or 'Closed'"
    }}
  ]
}}
```
"""

TITLES = {
    "opportunities": "Opportunities",
    "signals": "Signals",
    "strategies": "Strategies",
    "halts": "Halts",
    "risk": "Risk",
    "symbols": "Symbols",
    "pipeline": "Market and pipeline",
    "service": "The service itself",
}

QUERIES = {
    "list_opportunities": "symbol=300122.SZ&min_confidence=0.3&limit=10",
    "list_outcomes": "strategy=breakout&limit=10",
    "list_signals": f"strategy=breakout&direction=Up&since={examples.AT}",
    "list_risk_alerts": "severity=Warning&limit=10",
    "list_ticks": "limit=5",
    "list_bars": "limit=5",
}


def described() -> dict[str, Any]:
    """The OpenAPI document; nothing is asked of any server."""
    inquiry = Inquiry(connect("redis://127.0.0.1:6379"), Names())
    return create_app(Memory(), inquiry, Health(), "0").openapi()


def rest() -> str:
    """The part on REST."""
    found = described()
    by_tag: dict[str, list[str]] = {tag: [] for tag in TITLES}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_route(method.upper(), path, operation))
    parts = [f"\n### {TITLES[tag]}\n{''.join(routes)}" for tag, routes in by_tag.items()]
    return INTRODUCTION + "".join(parts)


# One function a part of the page; the WebSocket's stands behind the one on REST.
PARTS = (rest,)


def page() -> str:
    """The page."""
    return "\n".join(part() for part in PARTS)


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    text = f"\n#### {method} {path}\n\n{operation['summary']}. {operation['description']}\n"
    queried = [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
    if queried:
        text += "\n| parameter | allowed | |\n|---|---|---|\n" + "".join(map(_parameter, queried))
    statuses = [status for status in operation["responses"] if not status.startswith("2")]
    text += f"\n```sh\n{_curl(method, path, operation)}\n```\n\n{_example(operation)}"
    return f"{text}\nOtherwise {', '.join(sorted(statuses))}.\n"


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    allowed = _allowed(schema)
    if "default" in schema and schema["default"] is not None:
        allowed += f"; {json.dumps(schema['default'])} without it"
    described = parameter.get("description", "")
    return f"| `{parameter['name']}` | {allowed} | {described} |\n"


def _allowed(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return ", ".join(described()["components"]["schemas"][name]["enum"])
    if schema.get("type") == "integer" and schema.get("maximum"):
        return f"{schema['minimum']} to {schema['maximum']}"
    if schema.get("type") == "number":
        return f"{schema['minimum']:g} to {schema['maximum']:g}"
    if schema.get("type") == "integer":
        return "a time"
    if schema.get("type") == "boolean":
        return "true, false"
    return {"symbol": "a symbol, `600000.SH`", "strategy": "a name", "cursor": "`next`"}.get(
        schema.get("title", "").lower(), "text"
    )


def _curl(method: str, path: str, operation: dict[str, Any]) -> str:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["schema"]["examples"][0])
    query = QUERIES.get(operation["operationId"])
    url = f"{BASE}{path}" + (f"?{query}" if query else "")
    quoted = f"'{url}'" if query else url
    if method == "GET":
        return f"curl {quoted}"
    (content,) = operation["requestBody"]["content"].values()
    body = json.dumps(content["schema"]["examples"][0])
    return f"curl -X {method} {quoted} -H 'Content-Type: application/json' \\\n  -d '{body}'"


def _example(operation: dict[str, Any]) -> str:
    good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
    ((kind, content),) = good["content"].items()
    if kind == "application/json":
        return f"```json\n{json.dumps(content['example'], indent=2, ensure_ascii=False)}\n```\n"
    return f"```text\n{content['example'].strip()}\n```\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else f"{PAGE.name} is out of date: run tools/api_reference.py")
    PAGE.write_text(page())
