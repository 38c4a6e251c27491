"""Refuses, before it is imported, strategy code whose output could differ between two runs over the same log.

It reads the syntax tree of one file, so it catches mistakes and not malice: what a helper module imports, or what is
reached through `getattr` and the like, it does not see.
"""

import ast
from collections.abc import Iterator

MODULES = frozenset(
    {
        *("time", "random", "secrets", "uuid"),
        *("os", "sys", "pathlib", "io", "glob", "shutil", "tempfile", "mmap", "fcntl", "pickle", "logging"),
        *("socket", "ssl", "select", "http", "urllib", "requests", "redis", "kubernetes"),
        *("threading", "_thread", "multiprocessing", "concurrent", "asyncio", "subprocess", "signal", "resource"),
        *("importlib", "inspect", "builtins", "ctypes", "gc", "weakref"),
    }
)
"""Clocks and randomness, environment and files, sockets, threads and processes, and ways round this check."""

NAMES = frozenset(
    {
        *("open", "input", "breakpoint", "exit", "quit"),
        *("hash", "id"),
        *("eval", "exec", "compile", "globals", "locals", "vars", "setattr", "delattr", "__import__", "__builtins__"),
        *("BaseException", "GeneratorExit", "KeyboardInterrupt", "SystemExit"),
    }
)
"""Built-ins that reach outside, differ between two processes, hide from this check, or would end the engine."""

CLOCK_METHODS = frozenset({"now", "today", "utcnow"})


def findings(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, what is wrong and what to do) for everything in the tree that a strategy may not do, by line."""
    found = ((node.lineno, text) for node in ast.walk(tree) if isinstance(node, _LOCATED) for text in _refusals(node))
    return sorted(found)


_LOCATED = (ast.stmt, ast.expr, ast.excepthandler)


def _refusals(node: ast.stmt | ast.expr | ast.excepthandler) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (_import(alias.name) for alias in names if _is_forbidden(alias.name))
        case ast.ImportFrom(level=level) if level:
            yield "relative import: a strategy is one file; install helpers as a package"
        case ast.ImportFrom(module=str(module), names=names):
            full = [module, *(f"{module}.{alias.name}" for alias in names)]
            yield from (_import(name) for name in full if _is_forbidden(name))
        case ast.Global() | ast.Nonlocal():
            yield "global and nonlocal state is not saved or rolled back; keep it in Memory"
        case ast.ExceptHandler(type=None):
            yield "bare `except:` would swallow the engine's time-out; name the exceptions"
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield f"`{name}` is not available to strategies: output must depend on ticks and memory only"
        case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCK_METHODS:
            yield f"`.{name}()` reads the wall clock; use tick.time, or @at and @every"
        case ast.Attribute(attr="random"):
            yield "unseeded random numbers differ from run to run"
        case ast.Attribute(attr=name) if name.startswith("__") and name.endswith("__"):
            yield f"`.{name}` goes round the rules of the SDK"
        case ast.For(iter=iterated) if _is_set(iterated):
            yield _SET_ORDER
        case (
            ast.ListComp(generators=generators)
            | ast.GeneratorExp(generators=generators)
            | ast.DictComp(generators=generators)
        ) if any(_is_set(generator.iter) for generator in generators):
            yield _SET_ORDER


_SET_ORDER = "the order of a set differs from run to run; use a tuple or sorted(…)"


def _is_forbidden(module: str) -> bool:
    package, _, rest = module.partition(".")
    if package == "dfp":
        return rest.split(".")[0] not in ("sdk", "market", "")
    return package in MODULES or module.startswith("numpy.random")


def _import(module: str) -> str:
    return f"import of `{module}` is not allowed: output must depend on ticks and memory only"


def _is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)
