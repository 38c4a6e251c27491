"""Include minus exclude, as manifests write it."""

from typing import Any

import pytest

from dfp.contracts.errors import ContractError
from dfp.engine.universe import Universe
from dfp.market.instruments import classify


def admitted(document: dict[str, Any], *symbols: str) -> list[str]:
    universe = Universe.parse(document)
    return [symbol for symbol in symbols if universe.admits(classify(symbol))]


ALL = ("600519.SH", "688981.SH", "588000.SH", "000001.SZ", "300122.SZ", "920000.BJ", "IF2101.CF")


def test_without_terms_every_symbol_is_in() -> None:
    assert admitted({}, *ALL) == list(ALL)
    assert admitted({"include": [], "exclude": []}, *ALL) == list(ALL)


@pytest.mark.parametrize(
    ("board", "symbols"),
    [
        ("Main", ["600519.SH", "000001.SZ"]),
        ("STAR", ["688981.SH"]),
        ("ChiNext", ["300122.SZ"]),
        ("Beijing", ["920000.BJ"]),
    ],
)
def test_a_board_means_its_shares(board: str, symbols: list[str]) -> None:
    assert admitted({"include": [{"board": board}]}, *ALL) == symbols


def test_terms_are_joined_and_exclusion_wins() -> None:
    document = {
        "include": [{"board": "STAR"}, {"symbols": ["600519.sh", "000001.SZ"]}],
        "exclude": [{"symbols": ["000001.SZ"]}],
    }
    assert admitted(document, *ALL) == ["600519.SH", "688981.SH"]
    assert admitted({"exclude": [{"board": "Main"}]}, "600519.SH", "688981.SH") == ["688981.SH"]


def test_equal_universes_have_one_canonical_form() -> None:
    one = Universe.parse({"include": [{"symbols": ["600519.sh"]}, {"symbols": ["000001.SZ"]}, {"board": "STAR"}]})
    two = Universe.parse({"include": [{"board": "STAR"}, {"symbols": ["000001.SZ", "600519.SH"]}], "exclude": []})
    assert one.canonical() == two.canonical()
    assert Universe.parse({"exclude": [{"board": "STAR"}]}).canonical() != Universe().canonical()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"includes": []}, r"universe\.includes: \[\] is not allowed; expected the fields include and exclude"),
        ({"include": {"board": "STAR"}}, r"universe\.include: .*expected a list of terms"),
        ({"include": [{"board": "Star"}]}, r"universe\.include\[0\]\.board: 'Star' .*Main, STAR, ChiNext, Beijing"),
        ({"include": [{"board": 5}]}, r"universe\.include\[0\]\.board: 5 is not allowed"),
        ({"exclude": [{"board": "STAR"}, {"status": "ST"}]}, r"universe\.exclude\[1\]: .*exactly one of board and"),
        ({"include": [{"board": "STAR", "symbols": []}]}, r"universe\.include\[0\]: .*exactly one of"),
        ({"include": [{"symbols": "600519.SH"}]}, r"universe\.include\[0\]: .*exactly one of"),
        ({"include": [{"symbols": ["600519"]}]}, r"universe\.include\[0\]\.symbols: '600519' is not allowed"),
        ({"include": [{"symbols": [600519]}]}, r"universe\.include\[0\]\.symbols: 600519 is not allowed"),
        ({"include": ["STAR"]}, r"universe\.include\[0\]: 'STAR' is not allowed"),
    ],
    ids=range(10),
)
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        Universe.parse(document)
