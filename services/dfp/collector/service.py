"""The collector as a process: settings become a feed, a pace and a core."""

from collections.abc import Callable

from dfp.collector.core import CollectorCore, IsSession
from dfp.collector.feed import Feed
from dfp.collector.framing import FrameRows
from dfp.collector.live import LiveRunner
from dfp.collector.live_core import LiveCore
from dfp.collector.order import UNSET
from dfp.collector.pace import Pace
from dfp.collector.replay import ReplayFeed
from dfp.collector.runner import Runner
from dfp.collector.settings import CollectorSettings, RawTicksOptions, ReplayOptions, SyntheticOptions
from dfp.collector.synthetic import SyntheticFeed
from dfp.collector.writer import Writer
from dfp.log.connection import connect
from dfp.market.calendar import Calendar
from dfp.market.phases import SECOND_NS, midnight_ns
from dfp.market.reference import ReferenceData
from dfp.runtime.service import Service, serve


def main() -> None:
    """Run the collector until it is told to stop."""
    serve("collector", CollectorSettings(), run)


async def run(service: Service[CollectorSettings]) -> None:
    """Collect from the feed of the settings into the log."""
    await writer_of(service, Calendar.shanghai()).run(service.stop)


def writer_of(service: Service[CollectorSettings], calendar: Calendar) -> Writer:
    """The collector that the settings ask for.

    Raises:
        FeedError: a file cannot be used.
    """
    settings, options, names = service.settings, service.settings.feed_options, service.names
    is_session, rows = sessions_of(calendar), FrameRows.parse(settings.frame_rows)
    reference, redis = ReferenceData.load(settings.reference_data), connect(settings.redis_url)
    if isinstance(options, RawTicksOptions):
        live = LiveCore(names, is_session, rows, reference, options.levels, by_wall=options.clock == "wall")
        return LiveRunner(live, redis, names, settings.instance, service.health)
    levels = options.levels if isinstance(options, ReplayOptions) else 1
    core = CollectorCore(names, is_session, rows, reference, levels)
    feed, pace = feed_of(options, calendar)
    return Runner(core, feed, pace, redis, names, settings.instance, service.health)


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
        return ReplayFeed(options.files, options.levels), lambda reached: Pace(options.speed, UNSET, reached)
    first = options.session
    if not calendar.is_session(first):
        first = calendar.next_session(first)
    feed = SyntheticFeed(options.symbols, options.seed, first, calendar.next_session, options.sessions)
    hours, minutes = map(int, options.start.split(":"))
    start = midnight_ns(first) + (hours * 60 + minutes) * 60 * SECOND_NS
    return feed, lambda reached: Pace(options.speed, start, reached)
