"""A revision changes with what changes output, and with nothing else."""

from typing import Any

import pytest

from dfp.engine.revision import revision

BASE: dict[str, Any] = {
    "source": b"class S: ...",
    "parameters": {"ratio": 2.0, "horizon": "10m"},
    "universe": {"include": [], "exclude": []},
    "needs": ("vwap", "spread"),
}


def test_a_revision_is_sixteen_hexadecimal_digits_and_repeats() -> None:
    assert revision(**BASE) == revision(**BASE)
    assert len(bytes.fromhex(revision(**BASE))) == 8


@pytest.mark.parametrize(
    "change",
    [
        {"source": b"class S: ... "},
        {"parameters": {"ratio": 2.5, "horizon": "10m"}},
        {"universe": {"include": [{"board": "STAR"}], "exclude": []}},
        {"needs": ("vwap",)},
        {"group": "order-book"},
        {"helpers": {"limits": b"STRENGTH = 7"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_code_parameters_universe_and_needs_change_it(change: dict[str, Any]) -> None:
    assert revision(**{**BASE, **change}) != revision(**BASE)


def test_the_sdk_s_major_version_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = revision(**BASE)
    monkeypatch.setattr("dfp.engine.revision.MAJOR", 2)
    assert revision(**BASE) != before


def test_helpers_change_it_by_name_and_content_and_having_none_does_not() -> None:
    assert revision(**BASE, helpers={}) == revision(**BASE)
    found = {
        revision(**BASE, helpers={name: content}) for name in ("limits", "other") for content in (b"x = 1", b"x = 2")
    }
    assert len(found) == 4


def test_order_changes_nothing() -> None:
    helpers = {"a": b"1", "b": b"2"}
    assert revision(**BASE, helpers=helpers) == revision(**BASE, helpers=dict(reversed(helpers.items())))
    turned = {**BASE, "parameters": {"horizon": "10m", "ratio": 2.0}, "needs": ("spread", "vwap")}
    assert revision(**turned) == revision(**BASE)
