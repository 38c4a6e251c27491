"""Parameters: what a manifest may set, and what it is told when it may not."""

import pytest

from dfp.sdk import Param, Strategy, StrategyError
from dfp.sdk.param import json_schema


class Tuned(Strategy):
    ratio: float = Param(2.0, gt=0, le=10, doc="against the usual volume")
    ticks: int = Param(5, ge=1, lt=100)
    horizon: str = Param("10m")
    loud: bool = Param(False)


def test_a_parameter_has_its_default_until_it_is_set() -> None:
    tuned = Tuned()
    assert (tuned.ratio, tuned.ticks, tuned.horizon, tuned.loud) == (2.0, 5, "10m", False)
    assert Tuned(ratio=3.5).ratio == 3.5
    assert Tuned.definition.parameters["ratio"].doc == "against the usual volume"


def test_an_int_is_a_good_float_and_becomes_one() -> None:
    assert repr(Tuned(ratio=3).ratio) == "3.0"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("ratio", 0, "a float > 0 and <= 10"),
        ("ratio", 10.5, "a float > 0 and <= 10"),
        ("ratio", float("nan"), "a float"),
        ("ratio", float("inf"), "a float"),
        ("ratio", 10**400, "a float"),
        ("ratio", True, "a float"),
        ("ratio", "2", "a float"),
        ("ratio", None, "a float"),
        ("ticks", 0, "an int >= 1 and < 100"),
        ("ticks", 100, "an int >= 1 and < 100"),
        ("ticks", 5.0, "an int"),
        ("horizon", 10, "a str"),
        ("loud", 1, "a bool"),
        ("loud", "yes", "a bool"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_strategy_parameter_value_and_what_is_allowed(
    name: str, value: object, allowed: str
) -> None:
    with pytest.raises(StrategyError) as caught:
        Tuned(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"Tuned.{name} = ")
    assert repr(value)[:80] in message
    assert f"expected {allowed}" in message


def test_an_unknown_parameter_is_refused_with_the_closest_and_all_known_names() -> None:
    with pytest.raises(StrategyError, match=r"no parameter 'ratios'; did you mean 'ratio'\? .*ratio, ticks, horizon"):
        Tuned(ratios=1.0)


def test_a_strategy_without_parameters_says_so() -> None:
    class Plain(Strategy):
        pass

    with pytest.raises(StrategyError, match=r"Plain has no parameter 'x' \(its parameters: none\)"):
        Plain(x=1)


def test_parameters_are_inherited_and_may_be_declared_anew() -> None:
    class Louder(Tuned):
        loud: bool = Param(True)

    assert Louder().loud is True
    assert list(Louder.definition.parameters) == ["ratio", "ticks", "horizon", "loud"]


def test_a_parameter_without_a_usable_type_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(StrategyError, match=r"Untyped\.ratio needs one of the types bool, int, float, str"):

        class Untyped(Strategy):
            ratio = Param(2.0)

    with pytest.raises(StrategyError, match=r"Listed\.ratio needs one of the types"):

        class Listed(Strategy):
            ratio: list[float] = Param([2.0])


def test_a_default_outside_its_own_bounds_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"Odd\.ratio: the default -1 is not allowed; expected a float > 0"):

        class Odd(Strategy):
            ratio: float = Param(-1, gt=0)


def test_bounds_on_a_text_are_refused() -> None:
    with pytest.raises(StrategyError, match=r"Odd\.name has a bound"):

        class Odd(Strategy):
            name: str = Param("x", gt=0)


def test_annotations_may_be_text() -> None:
    class Postponed(Strategy):
        ratio: "float" = Param(2.0)

    assert Postponed(ratio=3).ratio == 3.0


def test_parameters_have_a_json_schema_that_allows_what_they_allow() -> None:
    class Tuned(Strategy):
        ratio: float = Param(2, gt=0, le=5, doc="volume against usual")
        count: int = Param(3, ge=1, lt=10)
        loud: bool = Param(False)
        horizon: str = Param("10m")

    schema = json_schema("Tuned", Tuned.definition.parameters)
    assert (schema["title"], schema["type"], schema["additionalProperties"]) == ("Tuned", "object", False)
    assert schema["properties"] == {
        "ratio": {
            "type": "number",
            "default": 2.0,
            "description": "volume against usual",
            "exclusiveMinimum": 0,
            "maximum": 5,
        },
        "count": {"type": "integer", "default": 3, "minimum": 1, "exclusiveMaximum": 10},
        "loud": {"type": "boolean", "default": False},
        "horizon": {"type": "string", "default": "10m"},
    }
