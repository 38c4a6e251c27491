"""A client of a pipeline: its REST API, and its WebSocket followed over restarts without a loss or a repeat.

It asks the gateway and knows nothing of the services behind it but the documents that they send (`dfp.contracts`).
"""

from dfp.client.asynchronous import AsyncClient
from dfp.client.documents import Halted, StrategyStatus, Version
from dfp.client.errors import BadAnswer, ClientError, Mistake, NotFound, NotNow, Problem, Refused, Unreachable
from dfp.client.events import (
    Connected,
    Event,
    Heartbeat,
    Lost,
    NotSubscribed,
    Resync,
    Revision,
    RiskAlert,
    Snapshot,
    Subscribed,
)
from dfp.client.follow import AsyncFollow
from dfp.client.synchronous import Client, Follow

__all__ = [
    "AsyncClient",
    "AsyncFollow",
    "BadAnswer",
    "Client",
    "ClientError",
    "Connected",
    "Event",
    "Follow",
    "Halted",
    "Heartbeat",
    "Lost",
    "Mistake",
    "NotFound",
    "NotNow",
    "NotSubscribed",
    "Problem",
    "Refused",
    "Resync",
    "Revision",
    "RiskAlert",
    "Snapshot",
    "StrategyStatus",
    "Subscribed",
    "Unreachable",
    "Version",
]
