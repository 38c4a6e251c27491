"""Functions that an installation could name as `authorize`."""

from collections.abc import Mapping


def with_token(path: str, headers: Mapping[str, str]) -> str | None:
    if "symbols=000001.SZ" in path:
        return "this symbol is not yours"
    return None if headers.get("authorization") == "Bearer good" else "a token is needed"


def broken(path: str, headers: Mapping[str, str]) -> str | None:
    raise RuntimeError("a secret of the hook")


no_function = 1
