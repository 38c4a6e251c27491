"""All who follow a strategy: positions by opportunity, accounts by strategy."""

from collections.abc import Iterator

import numpy as np

from dfp.contracts.frame import Frame
from dfp.contracts.opportunity import Opportunity
from dfp.market.fitness import fit_rows_of
from dfp.market.symbols import pack
from dfp.risk.equity import SLOTS, Account, Position


class Followers:
    """Implements the rules of equity.py.

    Args:
        positions: by opportunity id.
        accounts: by strategy.
    """

    def __init__(self, positions: dict[str, Position], accounts: dict[str, Account]) -> None:
        self.positions = positions
        self.accounts = accounts

    def follow(self, opportunity: Opportunity) -> bool:
        """Follow a new opportunity for each member that has a slot; whether there was any."""
        taken = [strategy for position in self.positions.values() for strategy in position.strategies]
        members = [member.strategy for member in opportunity.members]
        strategies = [strategy for strategy in members if taken.count(strategy) < SLOTS]
        if not strategies or opportunity.id in self.positions:
            return False
        self.positions[opportunity.id] = Position(pack(opportunity.symbol), strategies, opportunity.opened)
        for strategy in strategies:
            self.accounts.setdefault(strategy, Account())
        return True

    def leave(self, opportunity: Opportunity) -> None:
        """Let an opportunity that was closed end at its last price before."""
        position = self.positions.get(opportunity.id)
        if position is not None:
            position.closes = opportunity.as_of

    def take(self, frame: Frame) -> int:
        """Take a frame's ticks; how many positions turned out not to be tradable, and are given up."""
        followed: dict[int, list[str]] = {}
        for identifier, position in self.positions.items():
            followed.setdefault(position.symbol, []).append(identifier)
        if not followed:
            return 0
        rows = fit_rows_of(frame, np.array(sorted(followed), np.uint64))
        columns = (frame[name][rows].tolist() for name in ("symbol", "time", "last", "ask1"))
        given_up = 0
        for symbol, time, last, ask in zip(*columns, strict=True):
            for identifier in followed[symbol]:
                held = self.positions.get(identifier)
                if held is not None and not held.take(time, last, ask):
                    del self.positions[identifier]
                    given_up += 1
        return given_up

    def mark(self, at: int, window_ns: int) -> Iterator[tuple[str, Account]]:
        """Close what is due at event time `at` and mark the rest; the accounts by strategy.

        Args:
            window_ns: see `Account.mark`.
        """
        for identifier, position in sorted(self.positions.items()):
            if position.closes and at >= position.closes:
                del self.positions[identifier]
                for strategy in position.strategies:
                    self.accounts[strategy].close(position)
        for strategy, account in sorted(self.accounts.items()):
            held = [position for position in self.positions.values() if strategy in position.strategies]
            account.mark(held, at, window_ns)
            yield strategy, account

    def begin_session(self, midnight: int) -> None:
        """Start from V = 1. An opportunity of the new session may have come before its first clock entry."""
        self.positions = {key: held for key, held in self.positions.items() if held.opened >= midnight}
        self.accounts = {name: Account() for held in self.positions.values() for name in held.strategies}
