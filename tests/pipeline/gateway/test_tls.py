"""The door behind TLS."""

import asyncio
import json
import shutil
import ssl
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

import certificate
from conftest import Server, missing
from dfp.log import connection as log_connection
from door_processes import DoorProcess, doors, lives, publish
from gateway_process import gateway, problem
from upstream import Upstream


@dataclass
class Encrypted:
    """A gateway with a certificate, and what a client needs to trust it."""

    door: DoorProcess
    trust: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.door.http_port}"

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.trust))


@pytest.fixture
async def encrypted(tmp_path: Path) -> AsyncIterator[Encrypted]:
    chain, key = certificate.make(tmp_path)
    async with Upstream() as upstream:
        with gateway(tmp_path, [upstream.port], DFP_TLS_CERTIFICATE=str(chain), DFP_TLS_KEY=str(key)) as door:
            door.start()
            await door.ready()
            yield Encrypted(door, chain)


async def test_a_client_gets_http_2_and_is_told_to_stay_with_tls(encrypted: Encrypted) -> None:
    curl = shutil.which("curl")
    if curl is None:
        missing("curl", "apt-get install curl")
    assert curl is not None
    for path in ("/", "/opportunities", "/nothing"):
        asked = await asyncio.create_subprocess_exec(
            *(curl, "--silent", "--noproxy", "*", "--http2", "--cacert", str(encrypted.trust), "--head"),
            *("--request", "GET", f"{encrypted.url}{path}"),
            stdout=asyncio.subprocess.PIPE,
        )
        head = (await asked.communicate())[0].decode().lower()
        assert head.startswith("http/2 ")
        assert head.count("strict-transport-security: max-age=31536000") == 1


async def test_a_client_of_http_1_is_served_too_and_errors_are_problems(encrypted: Encrypted) -> None:
    async with httpx.AsyncClient(base_url=encrypted.url, verify=encrypted.context(), trust_env=False) as http:
        assert (await http.get("/api/version")).text == "/version"
        problem(await http.get("/metrics"))


@pytest.mark.parametrize("name", ["another.example", None])
async def test_the_certificate_is_shown_whatever_name_is_asked_for(encrypted: Encrypted, name: str | None) -> None:
    context = encrypted.context()
    context.check_hostname = False
    _, writer = await asyncio.open_connection(
        "127.0.0.1", encrypted.door.http_port, ssl=context, server_hostname=name or ""
    )
    assert writer.get_extra_info("peercert")["subject"] == ((("commonName", "localhost"),),)
    writer.close()


async def test_tls_below_1_2_is_refused(encrypted: Encrypted) -> None:
    context = encrypted.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection("127.0.0.1", encrypted.door.http_port, ssl=context)


async def test_a_client_that_speaks_plain_http_is_told_so(encrypted: Encrypted) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{encrypted.door.http_port}/")
    assert answer.status_code == 400
    assert "HTTPS" in answer.text


async def test_a_websocket_client_gets_the_stream_over_tls(server: Server, tmp_path: Path) -> None:
    chain, key = certificate.make(tmp_path)
    redis = log_connection.connect(server.url)
    await publish(redis, *lives(3))
    await redis.aclose()
    with doors(server.url, tmp_path) as door:
        door.gateway.environment |= {"DFP_TLS_CERTIFICATE": str(chain), "DFP_TLS_KEY": str(key)}
        await door.start("streamer", "gateway")
        url = f"wss://127.0.0.1:{door.gateway.http_port}/ws/opportunities?last_id=0-0"
        async with connect(url, ssl=ssl.create_default_context(cafile=str(chain)), proxy=None) as client:
            assert json.loads(str(await client.recv()).partition("\n")[0])["id"].startswith("0-")
