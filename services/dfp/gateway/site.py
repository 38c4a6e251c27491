"""Where the files of the web page are."""

from pathlib import Path

PACKAGED = Path(__file__).parent / "site"
CHECKOUT = Path(__file__).parents[3] / "web"


class SiteMissing(RuntimeError):
    """The web page's files are nowhere."""


def find() -> Path:
    """The folder of the page: beside this module in an installed wheel, `web/` in a checkout.

    Raises:
        SiteMissing: neither is there.
    """
    for folder in (PACKAGED, CHECKOUT):
        if (folder / "index.html").is_file():
            return folder
    raise SiteMissing(f"the files of the web page are neither in {PACKAGED} nor in {CHECKOUT}; reinstall dongfengpo")
