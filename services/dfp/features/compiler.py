"""The compiler of the hot loops and its settings, some of which must stand in the environment before numba is imported.

Intel's SVML replaces `log` and friends by versions with other last bits on some processors, and a kernel compiled for
the build machine may use instructions that another one has not. Replay parity needs the same bits everywhere.

Numba keeps what it compiled beside the source, and knows it by the time and size of the one file that the function is
in. After a change of a constant that was frozen into it from another file, or of a wheel, whose files all have the same
time, old machine code would come back, with old places in memory. So each state of the sources has a cache of its own.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
os.environ.setdefault("NUMBA_CPU_NAME", "generic")

import numba
from numba.core import config

from dfp.contracts import flags
from dfp.market import phases

F = TypeVar("F", bound=Callable[..., Any])

HERE = Path(__file__).resolve().parent
SOURCES = (*sorted(HERE.glob("*.py")), Path(flags.__file__), Path(phases.__file__))
"""All that the hot loops are made of."""


def digest(sources: Iterable[Path]) -> str:
    """What the sources say, in short."""
    content = hashlib.sha256()
    for source in sources:
        content.update(hashlib.sha256(source.read_bytes()).digest())
    return content.hexdigest()[:16]


_KEPT = Path(config.CACHE_DIR or HERE / "__pycache__")  # type: ignore[attr-defined]
config.CACHE_DIR = str(_KEPT / f"numba-{digest(SOURCES)}")  # type: ignore[attr-defined]

_njit = numba.njit(cache=True, forceinline=True, fastmath=False, error_model="numpy", boundscheck=False)


def compiled(function: F) -> F:
    """The function as machine code: plain arithmetic as it is written, nothing fused and nothing reordered."""
    return cast("F", _njit(function))
