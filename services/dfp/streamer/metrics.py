"""What a streamer counts, as Prometheus reads it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sized

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from dfp.streamer.hub import Hub

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics(Collector):
    """Counters of one process. They are plain numbers, for they are counted with each send.

    Attributes:
        frames, bytes: sent to clients.
        closes: why connections ended -> how many: the name of a close code, `client` or `lost`.
        delay: from the aggregator's commit of a revision to its broadcast, seconds.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.closes: Counter[str] = Counter()
        self.registry = CollectorRegistry(auto_describe=False)
        self.delay = Histogram(
            "dfp_streamer_delay_seconds",
            "From the aggregator's commit of a revision to its broadcast",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._clients: Sized = ()
        self._hub: Hub | None = None
        self.registry.register(self)

    def watch(self, clients: Sized, hub: Hub) -> None:
        """Say what the gauges show."""
        self._clients, self._hub = clients, hub

    def collect(self) -> Iterator[Metric]:
        """The values now."""
        yield GaugeMetricFamily("dfp_streamer_clients", "Connected clients", len(self._clients))
        yield CounterMetricFamily("dfp_streamer_frames", "Frames sent to clients", self.frames)
        yield CounterMetricFamily("dfp_streamer_bytes", "Bytes of these frames", self.bytes)
        closes = CounterMetricFamily("dfp_streamer_closes", "Connections that ended, and why", labels=["reason"])
        for reason, count in sorted(self.closes.items()):
            closes.add_metric([reason], count)
        yield closes
        if self._hub is not None:
            kept = self._hub.history
            yield GaugeMetricFamily("dfp_streamer_history_messages", "Messages kept for clients", len(kept))
            yield GaugeMetricFamily("dfp_streamer_history_bytes", "Bytes of these messages", kept.size)

    async def text(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self.registry)


class _Merged(Collector):
    def __init__(self, texts: Iterable[tuple[str, bytes]]) -> None:
        self.families: dict[str, Metric] = {}
        for shard, text in texts:
            for family in text_string_to_metric_families(text.decode()):
                merged = self.families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    merged.add_sample(sample.name, {**sample.labels, "shard": shard}, sample.value)

    def collect(self) -> Iterable[Metric]:
        return self.families.values()


def merge(texts: Iterable[tuple[str, bytes]]) -> bytes:
    """One text of the texts of several shards; each sample is labelled with its shard.

    Args:
        texts: (shard, text).
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Merged(texts))
    return generate_latest(registry)
