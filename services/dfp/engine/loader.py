"""Loads a strategy class from a file or an installed package; user code is imported here and nowhere else."""

import ast
import importlib.metadata
import importlib.util
import sys
import traceback
import types
from dataclasses import dataclass
from pathlib import Path

from dfp.contracts.errors import ContractError
from dfp.engine.forbidden import findings
from dfp.engine.reasons import unknown_names
from dfp.engine.statement import TimerCall
from dfp.features.catalog import parse_all
from dfp.sdk.errors import closest
from dfp.sdk.strategy import Strategy
from dfp.sdk.tick import FIELDS

GROUP = "dfp.strategies"
"""Entry point group of installed strategies."""


class LoadError(ValueError):
    """The strategy cannot be loaded; the message names file, line, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A strategy class, and the bytes of the file it came from."""

    kind: type[Strategy]
    source: bytes


def load(code: str) -> Loaded:
    """The strategy that `code` names.

    Args:
        code: `file:PATH:Class`, or `entrypoint:NAME` of the group `dfp.strategies`.

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
    source, tree = _checked(path)
    module = types.ModuleType(f"dfp_strategy_{path.stem}")
    module.__file__ = str(path)
    # State fields with text annotations are looked up in the module by its name.
    sys.modules[module.__name__] = module
    try:
        exec(compile(tree, str(path), "exec"), module.__dict__)  # noqa: S102 - running user code is an engine's purpose
    except Exception as error:
        raise LoadError(f"{_where(error, path)}: {type(error).__name__}: {error}") from error
    return _strategy(module, name, path, source, tree)


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
        path = Path(spec.origin)
        source, tree = _checked(path)
        module = importlib.import_module(point.module)
    except LoadError:
        raise
    except Exception as error:
        raise LoadError(f"entry point {name!r} ({point.value}): {type(error).__name__}: {error}") from error
    return _strategy(module, point.attr, path, source, tree)


def _checked(path: Path) -> tuple[bytes, ast.Module]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror or error}; expected a Python file") from None
    try:
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        raise LoadError(f"{path}:{error.lineno or 1}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes before 3.11.4; nesting without end
        raise LoadError(f"{path}: cannot be parsed: {type(error).__name__}: {error}") from None
    _refuse(path, findings(tree))
    return source, tree


def _refuse(path: Path, found: list[tuple[int, str]]) -> None:
    if found:
        raise LoadError("\n".join(f"{path}:{line}: {text}" for line, text in found))


def _strategy(module: types.ModuleType, name: str, path: Path, source: bytes, tree: ast.Module) -> Loaded:
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
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            _refuse(path, unknown_names(node, (*FIELDS, *definition.needs), TimerCall.__struct_fields__))
    return Loaded(kind, source)


def _where(error: Exception, path: Path) -> str:
    """`file:line` of the innermost line of the strategy's own file."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)
