"""The commit chain of one stage: the only way by which a stage changes anything that others see.

Each commit replaces the stage's token by a new random one, together with the input cursor and all outputs. A time-out
leaves the outcome unknown; the same bytes are then sent again, and the server answers `done` (it was applied), applies
it now, or refuses it because somebody else has moved the chain.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError

from dfp.contracts import digest as rolling
from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import entry_id, to_fields
from dfp.contracts.names import Names
from dfp.log import conditions as conditions_held
from dfp.log.connection import UNREACHABLE
from dfp.log.script import Script
from dfp.log.work import Work

LEASE_MS = 3_000
"""How long a silent owner keeps others waiting. Renewed each second, so two renewals may be lost."""

RETRY_FIRST_S, RETRY_LONGEST_S = 0.02, 1.0

COMMIT, CLAIM, RENEW = Script("conditions", "commit"), Script("claim"), Script("renew")

VOUCHED_MS = 3_000
"""How long the risk guard's verdicts count as fresh after its last commit; it makes one a second at least."""

_log = structlog.get_logger(__name__)


class Fenced(Exception):
    """Somebody else owns the chain now, or the server lost commits. Memory is worthless: drop it and recover."""


class Halted(Exception):
    """The commit was refused because a halt is set for `target`. Nothing was written."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__(f"halted: {target}")


class ConditionsChanged(Exception):
    """The commit was refused because other conditions hold than it was made under. Nothing was written."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        super().__init__(f"conditions are now {conditions}")


class Chain:
    """The chain of one stage, as its owner holds it in memory.

    Args:
        stage: for example `features` or `engine/breakout`; also the name of its consumer group.
        identity: who claims it. The same identity takes its own lease over at once.
        inputs: streams that the stage reads; their consumer group is kept as a gauge of the backlog.

    Attributes:
        cursor: name -> value of the last commit; input streams by their full name, other names for what a feed needs.
        digest: rolling digest of everything the stage put out (contracts/digest.py).
    """

    def __init__(self, redis: Redis, names: Names, stage: str, identity: str, inputs: Sequence[str] = ()) -> None:
        self.redis = redis
        self.names = names
        self.stage = stage
        self.identity = identity
        self.inputs = tuple(inputs)
        self.token = b""
        self.claimed_as = b""
        self.cursor: dict[str, int] = {}
        self.digest = rolling.EMPTY

    async def claim(self) -> bool:
        """Wait until the lease is free, take it, and take the head of the chain; loads `cursor` and `digest`.

        Returns:
            True when nobody moved the chain since our own last commit, so that what we hold in memory is still good.
        """
        keys = (self.names.lease(self.stage), self.names.chain(self.stage))
        pause = RETRY_FIRST_S
        while True:
            token = os.urandom(16)
            try:
                reply = await CLAIM(self.redis, keys, (self.identity, LEASE_MS, token))
                if reply[0] == b"claimed":
                    await self._create_groups()
                    break
                _log.info("waiting for the lease", stage=self.stage, holder=reply[1].decode(), remaining_ms=reply[2])
                pause = min(max(reply[2] / 1000, RETRY_FIRST_S), RETRY_LONGEST_S)
            except UNREACHABLE as error:
                pause = min(pause * 2, RETRY_LONGEST_S)
                _log.warning("redis is not reachable", stage=self.stage, error=str(error), retry_s=pause)
            await asyncio.sleep(pause)
        unmoved = bool(self.token) and reply[1] == self.token
        self.token = self.claimed_as = token
        fields = dict(zip(reply[2::2], reply[3::2], strict=True))
        self.cursor = {name[3:].decode(): int(value) for name, value in fields.items() if name.startswith(b"in:")}
        self.digest = bytes.fromhex(fields[b"digest"].decode()) if b"digest" in fields else rolling.EMPTY
        return unmoved

    async def renew(self) -> bool:
        """Extend the lease; False when it is no longer ours."""
        return bool(await RENEW(self.redis, (self.names.lease(self.stage),), (self.identity, LEASE_MS)))

    async def release(self) -> None:
        """Give the lease up, so that the next owner need not wait for its end."""
        await RENEW(self.redis, (self.names.lease(self.stage),), (self.identity, 0))

    async def intact(self) -> bool:
        """Whether the server still stands where our memory does. To be asked after every reconnect."""
        return await self.redis.hget(self.names.chain(self.stage), "token") == self.token

    async def commit(
        self,
        work: Work,
        cursor: Mapping[str, int],
        *,
        halt_targets: Sequence[str] = (),
        conditions: Conditions | None = None,
        vouches: bool = False,
    ) -> None:
        """Commit; returns when it is known to be applied, exactly once.

        Args:
            work: what to write; its metadata is sent as it is.
            cursor: new cursor values; input streams by full name.
            halt_targets: refuse while any of them is halted.
            conditions: refuse unless these hold.
            vouches: the commit makes the risk verdicts fresh for `VOUCHED_MS`.

        Raises:
            Fenced: the chain moved without us; nothing of this commit was written.
            Halted, ConditionsChanged: refused; nothing was written.
        """
        token = os.urandom(16)
        digest = rolling.roll(self.digest, work.digested)
        keys, arguments = self._encode(token, digest, work, cursor, halt_targets, conditions, vouches)
        reply = await self._send(keys, arguments)
        outcome = reply[0]
        if outcome == b"halted":
            raise Halted(reply[1].decode())
        if outcome == b"changed":
            raise ConditionsChanged(conditions_held.decode(reply[1:]))
        if outcome == b"fenced":
            raise Fenced(f"{self.stage}: the chain holds another token than ours")
        self.token = token
        self.digest = digest
        self.cursor.update(cursor)

    async def _send(self, keys: Sequence[str], arguments: Sequence[bytes | str | int]) -> list[bytes]:
        """Send until there is an answer. The token makes a repeat harmless: it is applied once or refused."""
        pause = RETRY_FIRST_S
        while True:
            try:
                reply: list[bytes] = await COMMIT(self.redis, keys, arguments)
            except UNREACHABLE as error:
                _log.warning("commit outcome unknown, asking again", stage=self.stage, error=str(error))
            except (OutOfMemoryError, ReadOnlyError) as error:
                _log.error("redis refuses writes", stage=self.stage, error=str(error))
            except ResponseError as error:
                if not str(error).startswith(("MISCONF", "BUSY", "LOADING", "NOREPLICAS", "MASTERDOWN")):
                    raise
                _log.error("redis refuses writes", stage=self.stage, error=str(error))
            else:
                return reply
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_LONGEST_S)

    def _encode(
        self,
        token: bytes,
        digest: bytes,
        work: Work,
        cursor: Mapping[str, int],
        halt_targets: Sequence[str],
        conditions: Conditions | None,
        vouches: bool,
    ) -> tuple[list[str], list[bytes | str | int]]:
        names = self.names
        inputs = [stream for stream in self.inputs if stream in cursor]
        ordered = sorted(work.writes, key=lambda write: write.seq is None)  # explicit ids first, else in order
        outputs = list(dict.fromkeys(write.stream for write in ordered))
        place = {stream: index for index, stream in enumerate(outputs, 1)}
        keys = [
            names.chain(self.stage),
            names.halt,
            names.risk_fresh_until,
            names.risk_policies,
            names.state(self.stage),
            names.counts(self.stage),
            *inputs,
            *outputs,
        ]
        arguments: list[bytes | str | int] = [self.token, token, self.stage, len(inputs), len(outputs), digest.hex()]
        assumed = () if conditions is None else _listed(conditions)
        arguments += (len(halt_targets), *halt_targets, len(assumed), *assumed, VOUCHED_MS * 1000 if vouches else 0)
        arguments.append(len(work.halts))
        for target, document in work.halts.items():
            arguments += (target, document)
        arguments.append(len(cursor))
        for name, value in cursor.items():
            arguments += (name, value, inputs.index(name) + 1 if name in inputs else 0)
        arguments.append(len(ordered))
        for write in ordered:
            fields = to_fields(write.kind, write.payload, write.meta)
            identifier = "0-*" if write.seq is None else entry_id(write.seq)
            arguments += (place[write.stream], identifier, write.channel or "", len(fields), *fields)
        arguments.append(len(work.state))
        for field, changed in work.state.items():
            arguments += (field, b"", "0") if changed is None else (field, changed, "1")
        arguments.append(len(work.counts))
        for counter, increment in work.counts.items():
            arguments += (counter, increment)
        return keys, arguments

    async def _create_groups(self) -> None:
        for stream in self.inputs:
            try:
                await self.redis.xgroup_create(stream, self.stage, "0", mkstream=True, entries_read=0)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise


def _listed(assumed: Conditions) -> tuple[str, str, str]:
    """As conditions.lua lists them, with a star for what does not matter."""
    fresh = "*" if assumed.risk_fresh is None else str(int(assumed.risk_fresh))
    policies = "*" if assumed.policies is None else assumed.policies
    halts = "*" if assumed.halts is None else " ".join(assumed.halts)
    return fresh, policies, halts
