"""Reasons are templates over the tick."""

import ast
import math
from dataclasses import dataclass

import pytest

from dfp.engine.reasons import render, unknown_names
from dfp.sdk import StrategyError


@dataclass
class Trigger:
    symbol: str = "600519.SH"
    n: int = 12
    last: float = 1845.76
    ratio: float = 2.3456789
    whole: float = 88.0
    absent: float = math.nan


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("2 % below entry", "2 % below entry"),
        ("", ""),
        ("{last} above {ratio}", "1845.76 above 2.3457"),
        ("{whole} at {n} of {symbol}", "88 at 12 of 600519.SH"),
        ("{absent}", "n/a"),
        ("{last:.1f} {{braces}}", "1845.8 {braces}"),
    ],
)
def test_names_are_filled_in_and_floats_rounded_to_four_decimals(template: str, text: str) -> None:
    assert render(template, Trigger()) == text


def test_an_unknown_name_is_refused_with_the_closest() -> None:
    with pytest.raises(StrategyError, match=r"\{lats\}, which the trigger does not have; did you mean 'last'\?"):
        render("{lats}", Trigger())


@pytest.mark.parametrize("template", ["{", "}", "{last", "{last.real}", "{last[0]}", "{0}", "{}", "{_x}", "{last!r}"])
def test_a_template_that_reaches_further_than_plain_names_is_refused(template: str) -> None:
    with pytest.raises(StrategyError, match="the reason"):
        render(template, Trigger())


def test_a_nested_format_is_refused() -> None:
    with pytest.raises(StrategyError, match="expected plain names"):
        render("{last:{n}}", Trigger())


def test_a_format_that_the_value_does_not_have_is_an_error_of_the_strategy() -> None:
    with pytest.raises(ValueError, match="Unknown format code"):
        render("{symbol:.2f}", Trigger())


def unknown(code: str) -> list[tuple[int, str]]:
    (strategy,) = ast.parse(code).body
    assert isinstance(strategy, ast.ClassDef)
    return unknown_names(strategy, tick=("last", "n"), timer=("symbol", "last"))


def test_names_that_can_never_be_filled_in_are_found_in_the_source() -> None:
    found = unknown(
        "class S:\n"
        "    x = 1\n"
        "    def on_tick(self, tick, memory):\n"
        "        yield Signal(Up, reason='{last} {n}')\n"
        "        yield Signal(Up, reason='{latest}')\n"
        "        yield Signal(Up, reason='{')\n"
        "        yield Signal(Up, reason=text, horizon='{x}')\n"
        "    @at('14:55')\n"
        "    def close(self, symbol, memory, now):\n"
        "        yield Signal(Flat, reason='{symbol} {n}')\n"
    )
    assert [line for line, _ in found] == [5, 6, 10]
    assert "{latest}" in found[0][1]
    assert "not a template" in found[1][1]
    assert "{n}" in found[2][1]
