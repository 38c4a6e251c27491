"""The one error that a decoder may raise, so that a bad record can be dead-lettered instead of stopping a stream."""


class ContractError(ValueError):
    """A value does not fit its contract.

    The message names the field, the value found and what is allowed; people read it, and dead letters keep it.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field}: {_shorten(value)} is not allowed; expected {allowed}")


def _shorten(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
