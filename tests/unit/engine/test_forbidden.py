"""What strategy code may not do is refused with its line before it is imported."""

import ast

import pytest

from dfp.engine.forbidden import findings


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("import time", "`time`"),
        ("import os.path", "`os.path`"),
        ("import math, random", "`random`"),
        ("from time import time as clock", "`time`"),
        ("from concurrent.futures import ThreadPoolExecutor", "`concurrent.futures`"),
        ("import numpy.random", "`numpy.random`"),
        ("from numpy import random", "`numpy.random`"),
        ("import numpy as np\nnp.random.normal()", "unseeded random"),
        ("import scipy as sp\nsp.random.rvs()", "unseeded random"),
        ("from . import helpers", "relative import"),
        ("from .helpers import f", "relative import"),
        ("from dfp.log import connection", "`dfp.log`"),
        ("from dfp import engine", "`dfp.engine`"),
        ("from datetime import datetime\ndatetime.now()", "`.now()`"),
        ("import datetime\ndatetime.date.today()", "`.today()`"),
        ("open('x')", "`open`"),
        ("eval('1')", "`eval`"),
        ("hash('x')", "`hash`"),
        ("f = __import__", "`__import__`"),
        ("def f():\n    global x\n    x = 1", "global and nonlocal"),
        ("def f():\n    x = 0\n    def g():\n        nonlocal x\n        x = 1", "global and nonlocal"),
        ("try:\n    pass\nexcept:\n    pass", "bare `except:`"),
        ("try:\n    pass\nexcept BaseException:\n    pass", "`BaseException`"),
        ("object.__setattr__(self, 'x', 1)", "`.__setattr__`"),
        ("for x in {1, 2}:\n    pass", "order of a set"),
        ("for x in set(y):\n    pass", "order of a set"),
        ("z = [x for x in {a for a in y}]", "order of a set"),
        ("total = sum({0.1, 0.2})", "order of a set"),
        ("known = set(y)\ntotal = sum(x for x in known)", "order of a set"),
        ("known: frozenset[str] = frozenset(y)\nfirst = list(known)", "order of a set"),
        ("x = [*{1, 2}]", "order of a set"),
        ("x = ','.join(set(y) | {'a'})", "order of a set"),
        ("x = set(y).pop()", "order of a set"),
        ("def f(y):\n    yield from set(y)", "order of a set"),
        ("import numpy as np\nx = np.log(y)", "math.log"),
        ("import numpy\nx = numpy.arctan2(y, z)", "math.atan2"),
        ("from numpy import exp", "math.exp"),
        ("import numpy as np\nx = np.power(y, 1.5)", "math.pow"),
        ("import numpy as np\nx = np.dot(y, y)", "as a loop"),
        ("from numpy import matmul", "as a loop"),
        ("x = y @ y", "as a loop"),
        ("import numpy.linalg", "`numpy.linalg`"),
        ("import numpy as np\nx = np.empty(3)", "numpy.zeros"),
        ("import numpy as np\nx = np.load('x.npy')", "a file"),
        ("import numpy as np\nx = np.datetime64('now')", "wall clock"),
    ],
)
def test_what_makes_output_depend_on_more_than_ticks_and_memory_is_refused(code: str, named: str) -> None:
    assert any(named in text for _, text in findings(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "import math\nfrom collections.abc import Iterator\nfrom dataclasses import dataclass",
        "from __future__ import annotations",
        "from datetime import time, timedelta\nNOON = time(12, 0)",
        "import numpy as np\nnp.sqrt(2.0)",
        "from dfp.sdk import Strategy, at\nfrom dfp.market.phases import Phase\nimport dfp.sdk",
        "try:\n    x = 1 / y\nexcept ZeroDivisionError:\n    pass",
        "known = {1, 2}\nx in known",
        "for x in sorted({1, 2}):\n    pass",
        "known = {1, 2}\nknown = sorted(known)\nfor x in known:\n    pass",
        "known = {1, 2}\ndef f(known):\n    return list(known)",
        "largest = max({1, 2})",
        "import math\nx = math.log(y)",
        "import numpy as np\nx = np.where(np.isnan(y), 0, np.abs(y))",
        "model.exp(1)",
        "now = 5\nopen_price = now",
    ],
)
def test_ordinary_code_is_left_alone(code: str) -> None:
    assert findings(ast.parse(code)) == []


def test_findings_come_by_line() -> None:
    found = findings(ast.parse("x = 1\nopen('x')\n\nimport os\nimport time\n"))
    assert [line for line, _ in found] == [2, 4, 5]
