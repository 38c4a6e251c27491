"""What all models of the API share."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from dfp.contracts.errors import ContractError


class Model(BaseModel):
    """Frozen, camelCase outside, no unknown field, no silent conversion of types.

    The text under a field is its documentation, also for `kubectl explain`. Rules that relate several fields are
    judged when each field is right by itself, as the API server does with its CEL rules.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )

    def exactly_one_of(self, *fields: str) -> str:
        """The name of the one field of `fields` that is set.

        Raises:
            ContractError: none or several are set.
        """
        given = [field for field in fields if getattr(self, field) is not None]
        if len(given) != 1:
            raise ContractError("", [*map(to_camel, given)], f"exactly one of {', '.join(map(to_camel, fields))}")
        return given[0]


def refuse_duplicate_names(field: str, names: list[str]) -> None:
    """Named lists merge by name under server-side apply, so a name stands once.

    Raises:
        ContractError: a name stands twice in the list `field`.
    """
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ContractError(f"{field}[{position}].name", name, f"a name that no other item of {field} has")
