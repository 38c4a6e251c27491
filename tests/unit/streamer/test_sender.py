"""Wakes that come together lead to one broadcast, soon; a broadcast that fails is no secret."""

import asyncio

import pytest

from dfp.streamer.pacing import Pacer
from dfp.streamer.sender import Sender
from waiting import until


async def test_wakes_in_one_turn_of_the_loop_are_one_broadcast() -> None:
    sender, sent = Sender(), []
    sender.flush = lambda: sent.append(1)
    for _ in range(500):
        sender.wake()
    assert sent == []
    await until(lambda: sent)
    await asyncio.sleep(0)
    assert sent == [1]
    sender.wake()
    await until(lambda: len(sent) == 2)


async def test_a_wake_during_a_broadcast_leads_to_another_one() -> None:
    sender, sent = Sender(), []

    def flush() -> None:
        sent.append(1)
        if len(sent) == 1:
            sender.wake()

    sender.flush = flush
    sender.wake()
    await until(lambda: len(sent) == 2)


async def test_without_credit_a_broadcast_waits_for_the_pacer() -> None:
    sender, sent = Sender(), []
    sender.flush = lambda: sent.append(1)
    sender.pacer = Pacer(gap=0.05, _tokens=0.0, _at=float("inf"))
    sender.wake()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sent == []
    await until(lambda: sent)


async def test_a_broadcast_that_fails_ends_the_service() -> None:
    sender = Sender()

    def flush() -> None:
        raise RuntimeError("broken")

    sender.flush = flush
    sender.wake()
    with pytest.raises(RuntimeError, match="broken"):
        await sender.failed
    sender.wake()
    await asyncio.sleep(0)
