"""Which features the strategies need, found out in a short child process: the supervisor imports no user code.

The plan has to know the whole feature set before anything starts. Strategies are loaded as their engines will load
them, so that a mistake in one is told now, with its file and line, and not later in a log.
"""

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any

import msgspec

from dfp.local.mistake import UserMistake
from dfp.local.supervisor import describe_exit

TIMEOUT_S = 60.0
"""An import that takes longer is taken for an endless loop. A cold disk and a large package take seconds."""


class Request(msgspec.Struct, frozen=True):
    """A strategy to load: `code` and `parameters` as an engine gets them in its environment."""

    name: str
    code: str
    parameters: dict[str, Any]


class Answer(msgspec.Struct, frozen=True):
    """Features that the strategy declares, or what is wrong with it."""

    needs: tuple[str, ...] = ()
    error: str | None = None


async def needs_of(request: Request, timeout_s: float = TIMEOUT_S) -> tuple[str, ...]:
    """Features of one strategy.

    Raises:
        UserMistake: the strategy cannot be loaded, refuses its parameters, kills its process or never ends.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dfp.local.needs",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            output, errors = await process.communicate(msgspec.json.encode(request))
    except TimeoutError:
        raise UserMistake(
            f"strategy {request.name!r}: loading {request.code} takes longer than {timeout_s:g} s; "
            "code outside of handlers must end soon"
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    code = process.returncode or 0
    try:
        answer = msgspec.json.decode(output, type=Answer)
    except msgspec.MsgspecError:
        said = errors.decode("utf-8", "replace").strip()[-2000:]
        raise UserMistake(
            f"strategy {request.name!r}: loading {request.code} ended with {describe_exit(code)}\n{said}"
        ) from None
    if answer.error is not None:
        raise UserMistake(f"strategy {request.name!r}: {answer.error}")
    return answer.needs


def answer(request: Request) -> Answer:
    """Load the strategy in this process, make one with its parameters, and look its features up."""
    from dfp.contracts.errors import ContractError
    from dfp.engine.loader import LoadError, load
    from dfp.features.catalog import parse_all
    from dfp.sdk.errors import StrategyError

    try:
        kind = load(request.code).kind
        kind(**request.parameters)
        parse_all(kind.definition.needs)
    except (LoadError, StrategyError, ContractError) as error:
        return Answer(error=str(error))
    return Answer(needs=kind.definition.needs)


def main() -> None:
    """Answer the request on stdin. What the strategy itself prints goes to stderr."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    with out:
        out.write(msgspec.json.encode(answer(request)))


if __name__ == "__main__":
    main()
