"""Prefixes on a Redis that several pipelines use."""

import os

import msgspec
import psutil
import pytest
from redis.asyncio import Redis

from conftest import free_port
from dfp.contracts.names import Names
from dfp.local.mistake import UserMistake
from dfp.local.owner import Owner, check_reachable, claim, is_stale, release, this_process
from dfp.log.connection import close, connect

NAMES = Names("desk")
DEAD = 2**22 + 1


def another(**changed: object) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(this_process("replay"), **changed))


async def test_a_free_prefix_is_claimed_with_the_name_of_its_owner_and_given_back(redis: Redis) -> None:
    me = this_process("replay")
    mine = await claim(redis, NAMES, me)
    assert msgspec.json.decode(await redis.get(NAMES.owner), type=Owner) == me
    assert (me.pid, me.feed) == (os.getpid(), "replay")
    await release(redis, NAMES, mine)
    assert await redis.get(NAMES.owner) is None


async def test_a_prefix_in_use_is_refused_with_its_owner_and_what_to_do(redis: Redis) -> None:
    await redis.set(NAMES.owner, another(owner="li", host="trading-7", pid=4711))
    with pytest.raises(UserMistake) as refused:
        await claim(redis, NAMES, this_process("synthetic"))
    assert "--prefix 'desk' is in use by li's pid 4711 on trading-7 (feed replay)" in str(refused.value)
    assert "redis-cli DEL desk:owner" in str(refused.value)


async def test_the_same_prefix_cannot_be_claimed_twice_by_living_processes(redis: Redis) -> None:
    await claim(redis, NAMES, this_process("replay"))
    with pytest.raises(UserMistake, match=f"pid {os.getpid()}"):
        await claim(redis, NAMES, this_process("replay"))


async def test_the_claim_of_a_dead_process_of_this_host_is_taken_over(redis: Redis) -> None:
    await redis.set(NAMES.owner, another(pid=DEAD))
    me = this_process("replay")
    await claim(redis, NAMES, me)
    assert msgspec.json.decode(await redis.get(NAMES.owner), type=Owner) == me


async def test_a_claim_that_cannot_be_read_is_respected(redis: Redis) -> None:
    await redis.set(NAMES.owner, b"something else")
    with pytest.raises(UserMistake, match="in use by b'something else'"):
        await claim(redis, NAMES, this_process("replay"))


async def test_a_claim_that_somebody_else_took_meanwhile_is_not_released(redis: Redis) -> None:
    mine = await claim(redis, NAMES, this_process("replay"))
    await redis.set(NAMES.owner, b"theirs")
    await release(redis, NAMES, mine)
    assert await redis.get(NAMES.owner) == b"theirs"


async def test_the_data_of_an_earlier_run_is_neither_continued_nor_deleted(redis: Redis) -> None:
    await redis.xadd(NAMES.clean_ticks, {"k": "clock"}, "0-7")
    with pytest.raises(UserMistake, match="desk:clean_ticks holds 7 entries of an earlier run; choose another"):
        await claim(redis, NAMES, this_process("replay"))
    assert await redis.exists(NAMES.owner) == 0
    assert await redis.xlen(NAMES.clean_ticks) == 1


async def test_a_key_of_another_kind_under_the_prefix_is_refused(redis: Redis) -> None:
    await redis.set(NAMES.clean_ticks, "text")
    with pytest.raises(UserMistake, match="desk:clean_ticks holds something that is no stream"):
        await claim(redis, NAMES, this_process("replay"))


def test_only_dead_processes_of_this_host_are_stale() -> None:
    me = this_process("replay")
    assert not is_stale(me, me.host)
    assert is_stale(msgspec.structs.replace(me, pid=DEAD), me.host)
    assert is_stale(msgspec.structs.replace(me, started=psutil.boot_time() - 1e6), me.host)
    assert not is_stale(msgspec.structs.replace(me, pid=DEAD), "another-host")


async def test_a_server_that_answers_is_accepted(redis: Redis, redis_url: str) -> None:
    await check_reachable(redis, redis_url)


async def test_a_server_that_is_not_there_is_refused_with_what_to_do() -> None:
    url = f"redis://user:secret@127.0.0.1:{free_port()}"
    redis = connect(url)
    with pytest.raises(UserMistake) as refused:
        await check_reachable(redis, url)
    await close(redis)
    assert "not reachable" in str(refused.value)
    assert "embedded Valkey" in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_server_that_wants_a_password_says_where_to_write_it(redis: Redis, redis_url: str) -> None:
    await redis.config_set("requirepass", "hidden")
    stranger = connect(redis_url)
    try:
        with pytest.raises(UserMistake, match="redis://USER:PASSWORD@HOST:PORT"):
            await check_reachable(stranger, redis_url)
    finally:
        await close(stranger)
        await redis.config_set("requirepass", "")
