"""Whatever settings are allowed, Caddy takes the configuration that is made of them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import certificate
from dfp.gateway import config
from dfp.gateway.service import find_caddy
from dfp.gateway.settings import GatewaySettings

hosts = st.ip_addresses()
ports = st.integers(1, 65535)
names = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{1,8}){0,2}", fullmatch=True)
upstreams = st.lists(
    st.builds("{}:{}".format, st.one_of(names, st.ip_addresses(v=4), st.ip_addresses(v=6).map("[{}]".format)), ports),
    min_size=1,
    max_size=5,
)
allowed = st.fixed_dictionaries(
    {
        "http_host": hosts,
        "health_host": hosts,
        "api_upstreams": upstreams,
        "streamer_upstreams": upstreams,
        "streamer_health_port": st.none() | ports,
        "access_log": st.booleans(),
    }
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate.make(tmp_path_factory.mktemp("pair"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(wanted=allowed, http_port=ports, health_port=ports, tls=st.booleans())
def test_caddy_takes_every_configuration(
    pair: tuple[Path, Path], tmp_path: Path, wanted: dict[str, Any], http_port: int, health_port: int, tls: bool
) -> None:
    if http_port == health_port:
        health_port = http_port % 65535 + 1
    encrypted = {"tls_certificate": pair[0], "tls_key": pair[1]} if tls else {}
    made = GatewaySettings(**wanted, **encrypted, http_port=http_port, health_port=health_port)
    rendered = config.render(made, tmp_path)
    checked = subprocess.run(
        [find_caddy(), "validate", "--config", "-"], input=rendered, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    servers = json.loads(rendered)["apps"]["http"]["servers"]
    assert ("tls_connection_policies" in servers["door"]) == tls
    assert "tls_connection_policies" not in servers["health"]
