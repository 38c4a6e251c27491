"""The policy bundle: all risk rules of one pipeline, as numbers, with the strategies that they bind already named.

Who knows resources and labels (the operator, or `dfp up`) writes it; the risk guard and the aggregator's gate read it
and acknowledge its version. Formulas and their sources stand in the risk library.
"""

import enum
import hashlib
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from dfp.contracts import codec
from dfp.contracts.codec import Document
from dfp.contracts.errors import ContractError

Positive: TypeAlias = Annotated[int, Meta(gt=0)]
Threshold: TypeAlias = Annotated[float, Meta(gt=0)]


class Scope(enum.StrEnum):
    """What a rule's value is computed for, and what its action hits."""

    SYMBOL = "Symbol"
    STRATEGY = "Strategy"
    PIPELINE = "Pipeline"


class Action(enum.StrEnum):
    """What a breach does, from mild to strict."""

    ALERT = "Alert"
    BLOCK = "Block"
    HALT = "Halt"


class Basis(enum.StrEnum):
    """What falls from its peak: a symbol's price, or the equity of the opportunities that followed a strategy."""

    PRICE = "Price"
    EQUITY = "Equity"


class Measure(enum.StrEnum):
    """Of the weights of active opportunities: the largest, the sum of squares, or the largest sector's."""

    LARGEST_SHARE = "LargestShare"
    HERFINDAHL = "Herfindahl"
    LARGEST_SECTOR = "LargestSector"


class Volatility(Document, frozen=True, tag="volatility"):
    """Realised volatility of a symbol; breach at or above `threshold`, a fraction.

    Attributes:
        window_ns: trading time that rolls; None = the session to date.
        grid_ns: distance of the prices.
    """

    threshold: Threshold
    window_ns: Positive | None
    grid_ns: Positive


class Drawdown(Document, frozen=True, tag="drawdown"):
    """Fall from the highest value; breach at or above `threshold`, a fraction.

    Attributes:
        sessions: trading days in which the highest value is looked for, today included; None with `window_ns`.
        window_ns: likewise as trading time that rolls; None with `sessions`.
    """

    threshold: Threshold
    basis: Basis
    sessions: Positive | None
    window_ns: Positive | None


class Concentration(Document, frozen=True, tag="concentration"):
    """How unevenly the active opportunities are spread; breach above `threshold`, judged from `min_active` on."""

    threshold: Threshold
    measure: Measure
    min_active: Positive


class Frequency(Document, frozen=True, tag="frequency"):
    """Admitted signals in a sliding window: `limit` of them pass, the next is a breach.

    Attributes:
        window_ns: event time.
    """

    limit: Positive
    window_ns: Positive


class Rule(Document, frozen=True):
    """One limit.

    Attributes:
        scope: Symbol with a frequency means each (strategy, symbol).
        hold_ns: Block: trading time for which a breach locks at least, 0 = until the value is back.
    """

    name: str
    scope: Scope
    check: Volatility | Drawdown | Concentration | Frequency
    action: Action
    hold_ns: Annotated[int, Meta(ge=0)] = 0


class Policy(Document, frozen=True):
    """Rules and whom they bind.

    Attributes:
        strategies: names of the strategies that it binds; None = all, also later ones.
        enforce: whether breaches act; otherwise they are alerts only.
    """

    name: str
    strategies: list[str] | None
    enforce: bool
    rules: list[Rule]

    def binds(self, strategy: str) -> bool:
        """Whether a strategy is under it."""
        return self.strategies is None or strategy in self.strategies


class Bundle(Document, frozen=True):
    """All policies of a pipeline, by name.

    Attributes:
        version: see `bundle`; empty for the bundle of nobody.
    """

    version: str
    policies: list[Policy]


NO_POLICIES = Bundle(version="", policies=[])
"""What holds while nobody has written a bundle."""


def bundle(policies: list[Policy]) -> Bundle:
    """The bundle of these policies; its version is a hash of what it says, so equal bundles have equal versions."""
    ordered = sorted(policies, key=lambda policy: policy.name)
    version = hashlib.sha256(msgspec.json.encode(ordered)).hexdigest()[:16]
    return Bundle(version=version, policies=ordered)


def decode(data: bytes) -> Bundle:
    """A bundle from its bytes.

    Raises:
        ContractError: not a bundle, or its version is not the hash of its policies.
    """
    found = codec.decode(data, Bundle)
    expected = bundle(found.policies)
    if found != expected:
        raise ContractError("Bundle.version", found.version, f"the hash of its policies by name, {expected.version}")
    return found
