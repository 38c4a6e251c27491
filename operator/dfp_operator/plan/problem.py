"""The one error of planning."""


class PlanError(ValueError):
    """Resources, each right by itself, that no pipeline can be made of. The message says which, and what to do."""
