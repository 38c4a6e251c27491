"""The files that a strategy is made of, read and checked before any of them runs: its own and the helpers beside it.

A ConfigMap is a flat folder on a cluster: one file a key, each a link into `..data`, which Kubernetes swaps as a whole.
So a strategy may import what lies in its folder by plain name, and nothing that a link leads to outside of it.
"""

import ast
import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from dfp.engine.forbidden import findings

RESERVED = frozenset({"dfp", "__future__"})
"""Names that always mean the installed module."""


class LoadError(ValueError):
    """The strategy cannot be loaded; the message names file, line, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, checked.

    Attributes:
        path: as given, links not followed, because the files beside it are looked for there.
        content: its bytes.
        imports: first parts of the modules that it imports anywhere, sorted.
    """

    path: Path
    content: bytes
    tree: ast.Module = field(compare=False, repr=False)
    imports: tuple[str, ...] = field(compare=False)


Sources: TypeAlias = tuple[tuple[str, Source], ...]
"""(module name, file): the strategy's own file first, then its helpers by name."""


def read(path: Path) -> Source:
    """A file by itself.

    Raises:
        LoadError: it cannot be read or parsed, or does what a strategy may not do.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror or error}; expected a Python file") from None
    return _checked(path, content)


def read_with_helpers(path: Path) -> Sources:
    """A file, and every file of the same folder that it imports, directly or through another.

    Raises:
        LoadError: see `read`; or a helper is a link that leads out of the folder.
    """
    own = read(path)
    found: dict[str, Source] = {}
    waiting = [own]
    while waiting:
        for name in waiting.pop().imports:
            file = path.parent / f"{name}.py"
            if name in found or name in RESERVED or name == path.stem or not file.is_file():
                continue
            _check_is_inside(file, path.parent)
            found[name] = read(file)
            waiting.append(found[name])
    return ((path.stem, own), *sorted(found.items()))


@functools.lru_cache(maxsize=64)
def _checked(path: Path, content: bytes) -> Source:
    try:
        tree = ast.parse(content, str(path))
    except SyntaxError as error:
        raise LoadError(f"{path}:{error.lineno or 1}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes before 3.11.4; nesting without end
        raise LoadError(f"{path}: cannot be parsed: {type(error).__name__}: {error}") from None
    refuse(path, findings(tree))
    return Source(path, content, tree, _imports(tree))


def refuse(path: Path, found: list[tuple[int, str]]) -> None:
    """Refuse a file for what was found in it, as (line, text).

    Raises:
        LoadError: something was.
    """
    if found:
        raise LoadError("\n".join(f"{path}:{line}: {text}" for line, text in found))


def _imports(tree: ast.Module) -> tuple[str, ...]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return tuple(sorted(found))


def _check_is_inside(file: Path, folder: Path) -> None:
    target = file.resolve()
    if not target.is_relative_to(folder.resolve()):
        raise LoadError(f"{file}: leads to {target}, outside of its folder; expected helpers beside the strategy")
