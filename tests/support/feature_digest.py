"""Digests of all features over a series: feature_digest.py [FILE]. Prints JSON; without a file the series is made up.

`output` covers all bytes of all features and of the saved state. `logarithms` covers what numpy makes of a few thousand
logarithms: with AVX-512 their last bits are others, which shows whether it is really on or off.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from dfp.contracts.frame import Frame
from feature_sets import table_of
from tick_frames import real_frames, walk


def output(frames: Iterable[Frame]) -> str:
    table, digest = table_of(), hashlib.sha256()
    for frame in frames:
        digest.update(table.take(frame).tobytes())
    digest.update(msgspec.msgpack.encode(table.save()))
    return digest.hexdigest()


def logarithms() -> str:
    return hashlib.sha256(np.log(np.arange(1, 200_000) / 7.0).tobytes()).hexdigest()


if __name__ == "__main__":
    series = real_frames(Path(sys.argv[1])) if len(sys.argv) > 1 else [walk(seed, 500) for seed in range(12)]
    on = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    print(json.dumps({"output": output(series), "logarithms": logarithms(), "dispatch": on}))
