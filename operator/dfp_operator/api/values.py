"""Small values that manifests are made of.

No floats: they do not survive a round trip through every client byte for byte, so shares are percent strings and
lengths of time are duration strings. Each type carries the sentence that error messages show (`allowed`).
"""

import re
from fractions import Fraction
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field

from dfp.contracts.errors import ContractError

MAX_NAME = 63
"""Names become label values and parts of host names, and both end at 63."""

MAX_SUBDOMAIN = 253
"""Names that Kubernetes itself gives to ConfigMaps, Secrets and priority classes."""

MAX_TEXT = 4096
"""Free text in a field; what is longer belongs in a ConfigMap."""

MAX_SESSIONS = 250
"""Trading days in a field: about a year of them."""

_UNITS = {"ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
_DURATION = re.compile(r"^([1-9][0-9]{0,8})(ms|s|m|h)$")
_PERCENT = re.compile(r"^(100(?:\.00?)?|[1-9]?[0-9](?:\.[0-9]{1,2})?)%$")


def text(pattern: str, allowed: str, max_length: int = MAX_NAME) -> Any:
    """Metadata of a string type: its pattern, its length in characters, and how messages describe it."""
    return Field(pattern=pattern, max_length=max_length, json_schema_extra={"allowed": allowed})


def nanoseconds(duration: str) -> int:
    """Length of a `Duration` in nanoseconds.

    Raises:
        ContractError: not a duration.
    """
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ContractError("duration", duration, "a duration such as 500ms, 30s, 15m or 1h")
    return int(match[1]) * _UNITS[match[2]]


def basis_points(percent: str) -> int:
    """A `Percent` in 1/100 of a percent: "5%" is 500.

    Raises:
        ContractError: not a percentage with at most two decimals, or not above 0% and at most 100%.
    """
    match = _PERCENT.fullmatch(percent)
    points = 0 if match is None else int(Fraction(match[1]) * 100)
    if points == 0:
        raise ContractError("", percent, "a percentage above 0% and up to 100% such as 5% or 12.5%")
    return points


def _checked_percent(percent: str) -> str:
    basis_points(percent)
    return percent


Name: TypeAlias = Annotated[
    str,
    text(
        r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        "a DNS label: at most 63 lower-case letters, digits and '-', first and last a letter or digit",
    ),
]
Subdomain: TypeAlias = Annotated[
    str,
    text(
        r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
        "a DNS subdomain: at most 253 lower-case letters, digits, '-' and '.'",
        MAX_SUBDOMAIN,
    ),
]
LabelKey: TypeAlias = Annotated[
    str,
    text(
        r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
        "a label key such as desk or example.org/desk",
        MAX_SUBDOMAIN + 1 + MAX_NAME,
    ),
]
LabelValue: TypeAlias = Annotated[
    str,
    text(
        r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$",
        "a label value: text of at most 63 letters, digits, '-', '_' and '.' (quote numbers and true/false)",
    ),
]
DataKey: TypeAlias = Annotated[
    str,
    # Neither "." nor "..", nor anything that starts so: a key becomes a file name.
    text(
        r"^([A-Za-z0-9_-]|\.[A-Za-z0-9_-])[A-Za-z0-9_.-]*$",
        "a ConfigMap key: letters, digits, '-', '_' and '.', such as momentum.py",
        MAX_SUBDOMAIN,
    ),
]
EntryPoint: TypeAlias = Annotated[
    str,
    text(
        r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$",
        "module:Class, such as momentum:Breakout",
        200,
    ),
]
Duration: TypeAlias = Annotated[
    str, text(_DURATION.pattern, "a whole number with a unit, such as 500ms, 30s, 15m or 1h", 11)
]
Percent: TypeAlias = Annotated[
    str,
    text(_PERCENT.pattern, 'a percentage above 0% and up to 100%, at most two decimals, such as "5%" or "12.5%"', 7),
    AfterValidator(_checked_percent),
]
Symbol: TypeAlias = Annotated[
    str,
    text(
        r"^[0-9A-Za-z]{2,16}\.([Ss][HhZz]|[Bb][Jj]|[Cc][Ff])$",
        "a code and its market (SH, SZ, BJ, CF), such as 600000.SH or IF2101.CF",
    ),
    AfterValidator(str.upper),
]
