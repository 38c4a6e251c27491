"""Refuses, before it is imported, strategy code whose output could differ between two runs over the same log.

It reads the syntax tree of one file, so it catches mistakes and not malice: what an installed package does, or what is
reached through `getattr` and the like, it does not see.
"""

import ast
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass

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

TRANSCENDENTAL = frozenset(
    {
        *("log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "power", "float_power", "cbrt"),
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2"),
        *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
    }
)
"""numpy's code for these depends on the processor: with AVX-512, `np.log` differs from `math.log` in 4 % of values."""

BLAS = frozenset({"dot", "vdot", "inner", "matmul", "tensordot", "einsum", "linalg"})
"""These go to BLAS, which picks its order of summation by the processor."""

UNSET = frozenset({"empty", "empty_like"})

FILES = frozenset(
    {"load", "save", "savez", "loadtxt", "savetxt", "genfromtxt", "fromfile", "fromregex", "memmap", "tofile"}
)

_KEEP_ORDER = frozenset({"sum", "list", "tuple", "iter", "enumerate", "map", "filter", "zip", "dict"})
"""Built-ins whose result depends on the order of what they are given."""


def findings(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, what is wrong and what to do) for everything in the tree that a strategy may not do, by line."""
    names = _Names.of(tree)
    return sorted(
        (node.lineno, text) for node in ast.walk(tree) if isinstance(node, _LOCATED) for text in _refusals(node, names)
    )


_LOCATED = (ast.stmt, ast.expr, ast.excepthandler)


@dataclass(frozen=True, slots=True)
class _Names:
    """What names mean in a file, as far as it can be told.

    Attributes:
        numpy: names of the module numpy.
        sets: names that are only ever given sets.
    """

    numpy: frozenset[str]
    sets: frozenset[str]

    @classmethod
    def of(cls, tree: ast.AST) -> "_Names":
        numpy: set[str] = set()
        sets: Counter[str] = Counter()
        others: Counter[str] = Counter()
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=imported):
                    numpy.update(alias.asname or alias.name for alias in imported if alias.name == "numpy")
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ) if _is_set(value, frozenset()):
                    sets[name] += 1
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    others[name] += 1
        return cls(frozenset(numpy), frozenset(name for name in sets if sets[name] == others[name]))


def _refusals(node: ast.stmt | ast.expr | ast.excepthandler, names: _Names) -> Iterator[str]:
    match node:
        case ast.Import(names=imported):
            yield from (_import(alias.name) for alias in imported if _is_forbidden(alias.name))
        case ast.ImportFrom(level=level) if level:
            yield "relative import: write the name alone, `from helpers import …` finds helpers.py in the same folder"
        case ast.ImportFrom(module="numpy", names=imported):
            yield from (text for alias in imported for text in _of_numpy(alias.name))
        case ast.ImportFrom(module=str(module), names=imported):
            full = [module, *(f"{module}.{alias.name}" for alias in imported)]
            yield from (_import(name) for name in full if _is_forbidden(name))
        case ast.Global() | ast.Nonlocal():
            yield "global and nonlocal state is not saved or rolled back; keep it in Memory"
        case ast.ExceptHandler(type=None):
            yield "bare `except:` would swallow the engine's time-out; name the exceptions"
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield f"`{name}` is not available to strategies: output must depend on ticks and memory only"
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in names.numpy:
            yield from _of_numpy(name)
        case ast.Attribute(attr="random"):
            yield "unseeded random numbers differ from run to run"
        case ast.Attribute(attr=name) if name.startswith("__") and name.endswith("__"):
            yield f"`.{name}` goes round the rules of the SDK"
        case ast.BinOp(op=ast.MatMult()):
            yield _BLAS
        case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCK_METHODS:
            yield f"`.{name}()` reads the wall clock; use tick.time, or @at and @every"
        case ast.Call(func=ast.Attribute(attr="datetime64"), args=[ast.Constant(value="now" | "today"), *_]):
            yield "`datetime64` of now reads the wall clock; use tick.time, or @at and @every"
    if any(_is_set(ordered, names.sets) for ordered in _ordered(node)):
        yield _SET_ORDER


_SET_ORDER = "the order of a set differs from run to run; use a tuple or sorted(…)"
_BLAS = "numpy's products of vectors and matrices differ from processor to processor; write the sum as a loop"


def _of_numpy(name: str) -> Iterator[str]:
    if name == "random":
        yield "import of `numpy.random` is not allowed: unseeded random numbers differ from run to run"
    elif name in TRANSCENDENTAL:
        hint = f"math.{_IN_MATH.get(name, name)}"
        yield f"`numpy.{name}` differs from processor to processor; use {hint} for each value"
    elif name in BLAS:
        yield _BLAS
    elif name in UNSET:
        yield f"`numpy.{name}` has whatever was in memory; use numpy.zeros"
    elif name in FILES:
        yield f"`numpy.{name}` reads or writes a file: output must depend on ticks and memory only"


_IN_MATH = {
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
    **dict.fromkeys(("power", "float_power"), "pow"),
}
"""Where `math` has another name."""


def _ordered(node: ast.AST) -> list[ast.expr]:
    """What a piece of code goes through in order, if that order shows in its result."""
    match node:
        case ast.For(iter=iterated) | ast.Starred(value=iterated) | ast.YieldFrom(value=iterated):
            return [iterated]
        case (
            ast.ListComp(generators=generators)
            | ast.GeneratorExp(generators=generators)
            | ast.DictComp(generators=generators)
        ):
            return [generator.iter for generator in generators]
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _KEEP_ORDER:
            return arguments
        case ast.Call(func=ast.Attribute(attr="join" | "pop") as method, args=arguments):
            return arguments if method.attr == "join" else [method.value]
    return []


def _is_forbidden(module: str) -> bool:
    package, _, rest = module.partition(".")
    if package == "dfp":
        return rest.split(".")[0] not in ("sdk", "market", "")
    return package in MODULES or module.startswith(("numpy.random", "numpy.linalg"))


def _import(module: str) -> str:
    return f"import of `{module}` is not allowed: output must depend on ticks and memory only"


def _is_set(node: ast.expr, names: Container[str]) -> bool:
    """Whether an expression is a set, as far as it can be told; `names` are known to be some."""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name(id=name):
            return name in names
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
            return _is_set(left, names) or _is_set(right, names)
    return False
