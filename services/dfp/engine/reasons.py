"""Reasons: templates such as `{last} above range {range_high_400}`, filled in from what triggered the signal."""

import ast
import functools
import math
import string
from collections.abc import Collection, Iterator

from dfp.sdk.errors import StrategyError, closest
from dfp.sdk.signal import MAX_REASON

_DECIMALS = 4


def render(template: str, trigger: object) -> str:
    """The template with each `{name}` replaced by that attribute of the trigger.

    Floats without a format of their own (`{last:.2f}`) are rounded to four decimals.

    Raises:
        StrategyError: not a template, an unknown name, or a result of more than `MAX_REASON` characters.
    """
    text = "".join(_piece(literal, name, spec, trigger) for literal, name, spec in _parsed(template))
    if len(text) > MAX_REASON:
        raise StrategyError(f"the reason {text[:80]!r}… is too long; at most {MAX_REASON} characters are allowed")
    return text


def unknown_names(strategy: ast.ClassDef, tick: Collection[str], timer: Collection[str]) -> list[tuple[int, str]]:
    """(line, what is wrong) for literal reasons in a class that can never be filled in.

    Args:
        tick: names that a tick has.
        timer: names that a timer's call has; they hold in handlers under @at or @every.
    """
    found: list[tuple[int, str]] = []
    for handler in strategy.body:
        if not isinstance(handler, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        known = timer if handler.decorator_list else tick
        for line, template in _literal_reasons(handler):
            try:
                names = [name for _, name, _ in _parsed(template) if name is not None]
            except StrategyError as error:
                found.append((line, str(error)))
                continue
            found += [(line, _unknown(name, known)) for name in names if name not in known]
    return found


def _literal_reasons(handler: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    for node in ast.walk(handler):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Signal", "Signals"):
            for keyword in node.keywords:
                value = keyword.value
                if keyword.arg == "reason" and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.lineno, value.value


@functools.lru_cache(maxsize=256)
def _parsed(template: str) -> tuple[tuple[str, str | None, str], ...]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise StrategyError(f"the reason {template!r:.80} is not a template: {error}") from None
    for _, name, spec, conversion in parsed:
        if name is not None and (not name.isidentifier() or name.startswith("_") or conversion or "{" in (spec or "")):
            raise StrategyError(f"the reason {template!r:.80} has {{{name}}}; expected plain names, such as {{last}}")
    return tuple((literal, name, spec or "") for literal, name, spec, _ in parsed)


def _piece(literal: str, name: str | None, spec: str, trigger: object) -> str:
    if name is None:
        return literal
    try:
        value = getattr(trigger, name)
    except AttributeError:
        raise StrategyError(_unknown(name, dir(trigger))) from None
    if spec or not isinstance(value, float):
        return literal + format(value, spec)
    return literal + ("n/a" if math.isnan(value) else f"{value:.{_DECIMALS}f}".rstrip("0").rstrip("."))


def _unknown(name: str, known: Collection[str]) -> str:
    return f"the reason names {{{name}}}, which the trigger does not have{closest(name, known)}; add it to needs"
