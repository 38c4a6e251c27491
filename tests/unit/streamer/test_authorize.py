"""The hook that decides who may connect is found by its name, or the settings are refused."""

import pytest
from pydantic import ValidationError

from dfp.cli.run import settings_mistakes
from dfp.streamer import authorize
from dfp.streamer.settings import StreamerSettings


def test_without_a_hook_everyone_may_connect() -> None:
    assert authorize.load("")("/ws/opportunities", {}) is None


def test_a_hook_is_found_by_its_name() -> None:
    assert authorize.load("gatekeeper:with_token")("/", {}) == "a token is needed"
    assert StreamerSettings(authorize="gatekeeper:with_token").authorize == "gatekeeper:with_token"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gatekeeper", "package.module:function"),
        (":f", "package.module:function"),
        ("no.such.module:f", "No module named 'no'"),
        ("gatekeeper:missing", "no attribute 'missing'"),
        ("gatekeeper:no_function", "no_function is no function"),
        (".:f", "package.module:function"),
    ],
)
def test_a_hook_that_is_not_there_is_refused_with_name_value_and_what_is_allowed(text: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        StreamerSettings(authorize=text)
    (line,) = settings_mistakes(refused.value).splitlines()
    assert line.startswith(f"DFP_AUTHORIZE: {text!r} is not allowed;")
    assert "package.module:function" in line
    assert why in line
