"""Lua scripts beside this file, sent by their hash and loaded again when the server has forgotten them."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

Argument: TypeAlias = bytes | str | int


class Script:
    """One script.

    Args:
        names: file names in this package, without `.lua`: libraries of local functions, and the script at last.
    """

    def __init__(self, *names: str) -> None:
        self.source = "".join((files(__package__) / f"{name}.lua").read_text() for name in names)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, redis: Redis, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run it once. NOSCRIPT means that nothing ran, so loading and sending again is safe."""
        try:
            return await redis.evalsha(self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            await redis.script_load(self.source)
            return await redis.evalsha(self.sha, len(keys), *keys, *arguments)
