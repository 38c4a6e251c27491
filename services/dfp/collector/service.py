"""The collector as a process: settings become a feed, a pace and a core."""

from collections.abc import Callable

from dfp.collector.core import CollectorCore, IsSession
from dfp.collector.feed import Feed
from dfp.collector.framing import FrameRows
from dfp.collector.order import UNSET
from dfp.collector.pace import Pace
from dfp.collector.replay import ReplayFeed
from dfp.collector.runner import Runner
from dfp.collector.settings import CollectorSettings, ReplayOptions, SyntheticOptions
from dfp.collector.synthetic import SyntheticFeed
from dfp.log.connection import connect
from dfp.market.calendar import Calendar
from dfp.market.phases import SECOND_NS, midnight_ns
from dfp.runtime.service import Service, serve


def main() -> None:
    """Run the collector until it is told to stop."""
    serve("collector", CollectorSettings(), run)


async def run(service: Service[CollectorSettings]) -> None:
    """Collect from the feed of the settings into the log."""
    settings = service.settings
    calendar = Calendar.shanghai()
    core = CollectorCore(service.names, sessions_of(calendar), FrameRows.parse(settings.frame_rows))
    feed, pace = feed_of(settings.feed_options, calendar)
    redis = connect(settings.redis_url)
    await Runner(core, feed, pace, redis, service.names, settings.instance, service.health).run(service.stop)


def sessions_of(calendar: Calendar) -> IsSession:
    """The question that the core asks; days from Monday to Friday beyond the calendar's end are uncertain."""

    def is_session(session: int) -> bool | None:
        open_then = calendar.is_session(session)
        return open_then if calendar.certain(session) or not open_then else None

    return is_session


def feed_of(options: ReplayOptions | SyntheticOptions, calendar: Calendar) -> tuple[Feed, Callable[[int], Pace]]:
    """The feed of the options, and how a run that starts at an event time is paced.

    Raises:
        FeedError: a file cannot be used.
    """
    if isinstance(options, ReplayOptions):
        return ReplayFeed(options.files), lambda reached: Pace(options.speed, UNSET, reached)
    first = options.session
    if not calendar.is_session(first):
        first = calendar.next_session(first)
    feed = SyntheticFeed(options.symbols, options.seed, first, calendar.next_session, options.sessions)
    hours, minutes = map(int, options.start.split(":"))
    start = midnight_ns(first) + (hours * 60 + minutes) * 60 * SECOND_NS
    return feed, lambda reached: Pace(options.speed, start, reached)
