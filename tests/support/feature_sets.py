"""Feature sets, and tables that compute them."""

from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st

from dfp.contracts.frame import Frame
from dfp.features.catalog import CATALOG, Feature, parse_all
from dfp.features.program import compile_program
from dfp.features.table import Table

EVERY_KIND = parse_all(
    f"{kind}_{window}" if described.windowed else str(kind)
    for kind, described in CATALOG.items()
    for window in ((1, 3, 20) if described.windowed else (0,))
)

feature_sets = st.lists(
    st.one_of(
        st.sampled_from([Feature(kind) for kind, described in CATALOG.items() if not described.windowed]),
        st.builds(
            Feature,
            st.sampled_from([kind for kind, described in CATALOG.items() if described.windowed]),
            st.integers(1, 40),
        ),
    ),
    min_size=1,
    max_size=8,
).map(lambda chosen: parse_all(feature.name for feature in chosen))


def table_of(features: tuple[Feature, ...] = EVERY_KIND) -> Table:
    return Table(compile_program(features))


def computed(target: Table, frames: Iterable[Frame]) -> bytes:
    return np.concatenate([target.take(frame) for frame in frames], axis=1).tobytes()
