"""Loads a strategy class from a file or an installed package; user code is imported here and nowhere else."""

import ast
import builtins
import functools
import hashlib
import importlib.metadata
import importlib.util
import sys
import traceback
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dfp.contracts.errors import ContractError
from dfp.engine.reasons import unknown_names
from dfp.engine.source import LoadError, Sources, read, read_with_helpers, refuse
from dfp.engine.statement import TimerCall, UniverseCall
from dfp.features.catalog import parse_all
from dfp.sdk.errors import closest
from dfp.sdk.scope import Scope
from dfp.sdk.strategy import Strategy
from dfp.sdk.tick import FIELDS

__all__ = ["GROUP", "LoadError", "Loaded", "load"]

GROUP = "dfp.strategies"
"""Entry point group of installed strategies."""

KEPT = 32
"""Strategies whose modules stay loaded: those of one pipeline, and a few that a person tries out."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A strategy class, and the bytes of the files that it came from.

    Attributes:
        source: the strategy's own file.
        helpers: module name -> bytes of what it imports from its own folder.
    """

    kind: type[Strategy]
    source: bytes
    helpers: Mapping[str, bytes] = field(default_factory=dict)


def load(code: str) -> Loaded:
    """The strategy that `code` names. Code that has not changed since it was loaded last is not run again.

    Args:
        code: `file:PATH:Class`, or `entrypoint:NAME` of the group `dfp.strategies`. Files in the same folder may be
            imported by name.

    Raises:
        LoadError: no such file, entry point or class; the file does not parse, does what a strategy may not do, or
            fails when it is imported.
    """
    scheme, _, rest = code.partition(":")
    path, _, name = rest.rpartition(":")
    if scheme == "file" and path and name:
        return _from_file(Path(path), name)
    if scheme == "entrypoint" and rest:
        return _from_entry_point(rest)
    raise LoadError(f"code {code!r} is not allowed; expected file:PATH:Class or entrypoint:NAME")


def _from_file(path: Path, name: str) -> Loaded:
    sources = read_with_helpers(path)
    return _strategy(_run(sources), name, sources)


@functools.lru_cache(maxsize=KEPT)
def _run(sources: Sources) -> types.ModuleType:
    """The module of the first of these files; the others run when it imports them."""
    files = dict(sources)
    stem = f"dfp_strategy_{_digest(sources)}"
    running: dict[str, types.ModuleType] = {}

    def module(name: str) -> types.ModuleType:
        if name not in running:
            path = str(files[name].path)
            made = running[name] = types.ModuleType(f"{stem}_{name}")
            made.__dict__.update(__file__=path, __builtins__={**vars(builtins), "__import__": imported})
            # State fields with text annotations are looked up in the module by its name.
            sys.modules[made.__name__] = made
            exec(compile(files[name].tree, path, "exec"), made.__dict__)  # noqa: S102 - an engine's purpose
        return running[name]

    def imported(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the names of `__import__`
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        return module(name) if name in files else builtins.__import__(name, globals, locals, fromlist or (), level)

    try:
        return module(sources[0][0])
    except Exception as error:
        for made in running.values():
            sys.modules.pop(made.__name__, None)
        raise LoadError(f"{_where(error, sources)}: {type(error).__name__}: {error}") from error


def _digest(sources: Sources) -> str:
    parts = ((name, str(source.path), source.content) for name, source in sources)
    return hashlib.sha256(repr(tuple(parts)).encode()).hexdigest()[:12]


def _from_entry_point(name: str) -> Loaded:
    points = importlib.metadata.entry_points(group=GROUP)
    if name not in points.names:
        known = ", ".join(sorted(points.names)) or "none"
        raise LoadError(
            f"no entry point {name!r} in group {GROUP}{closest(name, points.names)} (installed: {known}); "
            "install the package that has it, or use a file"
        )
    point = points[name]
    try:
        spec = importlib.util.find_spec(point.module)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no module named {point.module!r}")
        source = read(Path(spec.origin))
        module = importlib.import_module(point.module)
    except LoadError:
        raise
    except Exception as error:
        raise LoadError(f"entry point {name!r} ({point.value}): {type(error).__name__}: {error}") from error
    return _strategy(module, point.attr, ((point.module, source),))


def _strategy(module: types.ModuleType, name: str, sources: Sources) -> Loaded:
    (_, source), *helpers = sources
    path = source.path
    kind = getattr(module, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Strategy)):
        names = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy
        ]
        known = ", ".join(names) or "none"
        raise LoadError(
            f"{path}: no strategy class {name!r}{closest(name, names)} (subclasses of Strategy there: {known})"
        )
    definition = kind.definition
    if kind.on_tick is Strategy.on_tick and not definition.batched and not definition.timers:
        raise LoadError(f"{path}: {name} has no handler; define on_tick or on_batch, or a method under @at or @every")
    try:
        parse_all(definition.needs)
    except ContractError as error:
        raise LoadError(f"{path}: {name}.needs: {error}") from None
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            timer = UniverseCall if definition.scope is Scope.UNIVERSE else TimerCall
            refuse(path, unknown_names(node, (*FIELDS, *definition.needs), timer.__struct_fields__))
    return Loaded(kind, source.content, {helper: file.content for helper, file in helpers})


def _where(error: Exception, sources: Sources) -> str:
    """`file:line` of the innermost line of the strategy's own files."""
    files = {str(source.path) for _, source in sources}
    places = [
        f"{frame.filename}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in files
    ]
    return places[-1] if places else str(sources[0][1].path)
