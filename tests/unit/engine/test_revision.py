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
    ],
    ids=lambda change: next(iter(change)),
)
def test_code_parameters_universe_and_needs_change_it(change: dict[str, Any]) -> None:
    assert revision(**{**BASE, **change}) != revision(**BASE)


def test_the_sdk_s_major_version_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = revision(**BASE)
    monkeypatch.setattr("dfp.engine.revision.MAJOR", 2)
    assert revision(**BASE) != before


def test_order_changes_nothing() -> None:
    turned = {**BASE, "parameters": {"horizon": "10m", "ratio": 2.0}, "needs": ("spread", "vwap")}
    assert revision(**turned) == revision(**BASE)
