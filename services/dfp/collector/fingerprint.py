"""A 64-bit fingerprint of whole rows: equal rows have equal ones, and two rows of one instant differ in theirs.

It is compared only between rows of the same symbol and time, so that a chance hit (2⁻⁶⁴ a pair) is no concern.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Fingerprints = npt.NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def of_text(text: bytes) -> int:
    """Fingerprint of a row that is a line of text."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def of_columns(columns: Sequence["pa.Array[Any]"], rows: int) -> Fingerprints:
    """Fingerprint of each row over all columns (numbers, timestamps or text), however rows are cut into batches."""
    mixed = np.zeros(rows, np.uint64)
    for column in columns:
        mixed = (mixed ^ _bits(column)) * _MULTIPLIER
        mixed ^= mixed >> _SHIFT
    return mixed


def of_places(fingerprints: Fingerprints, numbers: npt.NDArray[np.int64]) -> Fingerprints:
    """Fingerprints that differ also where rows are equal, by the rows' numbers in the source."""
    return (fingerprints ^ numbers.astype(np.uint64)) * _MULTIPLIER


def _bits(column: "pa.Array[Any]") -> Fingerprints:
    """Each value as 64 bits; absent values are all alike."""
    if pa.types.is_floating(column.type):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return np.where(np.isnan(values), np.nan, values).view(np.uint64)
    if pa.types.is_integer(column.type) or pa.types.is_timestamp(column.type):
        whole = column.cast(pa.int64(), safe=False)
        known = whole.is_valid().to_numpy(zero_copy_only=False)
        return np.where(known, whole.fill_null(0).to_numpy().view(np.uint64), _MULTIPLIER)
    encoded = column.cast(pa.string()).dictionary_encode()
    texts = [of_text(repr(value).encode()) for value in (*encoded.dictionary.to_pylist(), None)]
    indices = encoded.indices.fill_null(len(texts) - 1).to_numpy()
    bits: Fingerprints = np.array(texts, np.uint64)[indices]
    return bits
