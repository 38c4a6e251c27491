"""What people see of a run: a live table on a terminal, plain lines everywhere else."""

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dfp.contracts.opportunity import Opportunity
from dfp.contracts.signal import Direction
from dfp.local.observe import View
from dfp.market.phases import phase_at

SHANGHAI = timezone(timedelta(hours=8))
PLAIN_S = 5.0
"""Seconds between two plain lines."""


class Screen(Protocol):
    """Where a run is shown."""

    def say(self, line: str) -> None:
        """One line for people."""

    def show(self, view: View) -> None:
        """The present state."""

    def close(self) -> None:
        """Nothing more comes."""


def screen() -> Screen:
    """The live table when stdout is a terminal, else plain lines."""
    console = Console()
    return Terminal(console) if console.is_terminal else Plain(console)


class Plain:
    """Lines that a log file can take."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._due = 0.0
        self._last = ""

    def say(self, line: str) -> None:
        """Print it."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def show(self, view: View) -> None:
        """One line each `PLAIN_S` seconds from the first tick on, unless nothing has changed."""
        line = summary(view)
        if view.event_time is not None and time.monotonic() >= self._due and line != self._last:
            self._due, self._last = time.monotonic() + PLAIN_S, line
            self.say(line)

    def close(self) -> None:
        """Nothing to put back."""


class Terminal:
    """A table that stays in place, with lines scrolling above it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None

    def say(self, line: str) -> None:
        """Print it above the table."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def show(self, view: View) -> None:
        """Draw the table anew."""
        if self._live is None:
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(drawn(view), refresh=True)

    def close(self) -> None:
        """Take the table away; the lines stay."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def market_time(event_time: int | None) -> str:
    """Exchange time and phase of the log: `2022-06-01 09:31:03 MORNING`."""
    if event_time is None:
        return "no tick yet"
    local = datetime.fromtimestamp(event_time // 1_000_000_000, UTC).astimezone(SHANGHAI)
    return f"{local:%Y-%m-%d %H:%M:%S} {phase_at(event_time).name}"


def summary(view: View) -> str:
    """The state in one line."""
    restarts = sum(service.restarts for service in view.services)
    unwell = [
        f"{service.name} {service.state}" for service in view.services if not service.ready and not service.ending
    ]
    parts = (
        market_time(view.event_time),
        f"{view.accepted:,} ticks",
        f"{view.signals:,} signals",
        f"{view.opportunities:,} opportunities",
        f"{restarts} restarts",
        *unwell,
    )
    return " | ".join(parts)


def drawn(view: View) -> Group:
    """The live table: services above, the last opportunities below."""
    services = Table(box=None, header_style="bold", pad_edge=False)
    services.add_column("service")
    services.add_column("state")
    for name in ("pid", "restarts", "backlog", "RSS MB"):
        services.add_column(name, justify="right")
    for service in view.services:
        services.add_row(
            service.name,
            Text(service.state, style="green" if service.ready else "yellow"),
            _number(service.pid, ""),
            _number(service.restarts),
            _number(service.backlog),
            _number(None if service.rss is None else service.rss >> 20),
        )
    head = Text(
        f"{market_time(view.event_time)}   {view.accepted:,} ticks, {view.rate:,.0f}/s   "
        f"{view.signals:,} signals   {view.opportunities:,} opportunities"
    )
    return Group(head, services, *(_opportunity(item) for item in reversed(view.latest)))


def _opportunity(item: Opportunity) -> Text:
    local = datetime.fromtimestamp(item.as_of // 1_000_000_000, UTC).astimezone(SHANGHAI)
    # Red is up and green is down, as on every Chinese screen.
    style = {Direction.UP: "red", Direction.DOWN: "green"}.get(item.side, "")
    members = ", ".join(member.strategy for member in item.members)
    price = "-" if item.reference_price is None else f"{item.reference_price:.2f}"
    what = f"{item.side:<4}  {item.state:<9}  {item.confidence:.2f}"
    return Text(f"{local:%H:%M:%S}  {item.symbol}  {what}  {price:>9}  {members}", style=style)


def _number(value: int | None, separator: str = ",") -> str:
    return "-" if value is None else format(value, separator)
