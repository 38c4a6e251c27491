"""The same bytes on every processor, with every hash seed, however the log was cut and whenever it was restored."""

import functools
import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.frame import Frame, decode_ticks
from dfp.contracts.names import Names
from dfp.features.core import FeatureCore
from dfp.features.twin import Twin
from dfp.log.work import Work
from feature_sets import EVERY_KIND, table_of
from offline_chain import entries_of, log_of
from tick_frames import REAL_FILES, is_fit, real_frames

SZ5, SH30 = REAL_FILES[:2]
WITHOUT_AVX_512 = {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"}
"""What numpy 2.4 dispatches on. `AVX512F` is not among it: switching that off does nothing, without a word."""


def digests(environment: dict[str, str], *file: Path) -> dict[str, object]:
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("tests", "tests/support", "services", "operator"))
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "support" / "feature_digest.py", *file],
        env={**os.environ, "PYTHONPATH": paths, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    printed: dict[str, object] = json.loads(done.stdout)
    return printed


def avx_512(printed: dict[str, object]) -> list[str]:
    dispatch = printed["dispatch"]
    assert isinstance(dispatch, list)
    return [name for name in dispatch if name == "X86_V4" or name.startswith("AVX512")]


def test_avx_512_changes_no_byte_of_a_feature(marketdata: Path) -> None:
    usual, without = digests({}, marketdata / SZ5), digests(WITHOUT_AVX_512, marketdata / SZ5)
    assert not avx_512(without)
    if not avx_512(usual):
        pytest.skip("this processor has no AVX-512, so there is nothing to compare")
    assert usual["logarithms"] != without["logarithms"], "AVX-512 was really on, and really off"
    assert usual["output"] == without["output"]


def test_the_hash_seed_changes_no_byte_of_a_feature(marketdata: Path) -> None:
    seeds = ("0", "1", "4242")
    assert len({digests({"PYTHONHASHSEED": seed}, marketdata / SZ5)["output"] for seed in seeds}) == 1


def test_the_compiler_changes_no_byte_of_a_feature() -> None:
    interpreted = digests({"NUMBA_DISABLE_JIT": "1", "PYTHONWARNINGS": "ignore::RuntimeWarning"})
    assert interpreted["output"] == digests({})["output"]


@pytest.mark.parametrize("file", REAL_FILES)
def test_a_real_session_gives_the_bytes_of_the_plain_twin(marketdata: Path, file: str) -> None:
    compiled, twin = table_of(), Twin(EVERY_KIND)
    compared = 0
    for frame in beginning(real_frames(marketdata / file), 1_200):
        assert compiled.take(frame).tobytes() == np.array(twin.take(frame)).tobytes()
        compared += int(is_fit(frame).sum())
    assert compared > 1_000


def beginning(frames: Sequence[Frame], fit_ticks: int) -> list[Frame]:
    """Frames up to so many fit ticks: the twin looks at whole histories, so all of a day would take it long."""
    ends = np.cumsum([int(is_fit(frame).sum()) for frame in frames])
    return list(frames[: int(np.searchsorted(ends, fit_ticks)) + 1])


@functools.cache
def log(file: Path, frame_rows: str = "512") -> list[Entry]:
    return list(itertools.chain.from_iterable(log_of(file, Names(), frame_rows)))


def featured(core: FeatureCore, entries: Sequence[Entry]) -> list[Entry]:
    work = Work()
    core.process(core.names.clean_ticks, entries, work)
    assert set(work.counts) <= {"ticks"}
    return entries_of(work, core.names.features)


def core() -> FeatureCore:
    return FeatureCore(Names(), [feature.name for feature in EVERY_KIND])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_how_a_real_session_was_cut_changes_no_byte(marketdata: Path, seed: int) -> None:
    whole, cut = core(), core()
    expected = columns(featured(whole, log(marketdata / SH30)))
    dice, entries = random.Random(seed), log(marketdata / SH30, f"random:{seed}")
    found: list[Entry] = []
    while entries:
        size = dice.randrange(1, 200)
        found += featured(cut, entries[:size])
        entries = entries[size:]
    assert columns(found) == expected
    assert cut.table.save() == whole.table.save()


def columns(entries: Sequence[Entry]) -> bytes:
    frames = [decode_ticks(entry.payload) for entry in entries if entry.kind is Kind.FEATURES]
    return b"".join(np.concatenate([frame[name] for frame in frames]).tobytes() for name in frames[0].columns)


@pytest.mark.parametrize("file", [SZ5, SH30])
def test_restored_at_a_hundred_random_points_a_real_session_gives_the_same_bytes(marketdata: Path, file: str) -> None:
    entries = log(marketdata / file)
    undisturbed = core()
    expected = featured(undisturbed, entries)
    points = sorted(random.Random(7).sample(range(1, len(entries)), 100))
    relay, found = core(), []
    for start, end in itertools.pairwise([0, *points, len(entries)]):
        found += featured(relay, entries[start:end])
        state = relay.save()
        relay = core()
        relay.load(state)
        assert relay.save() == state
    assert found == expected
    assert relay.save() == undisturbed.save()
