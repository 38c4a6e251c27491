"""`dfp run SERVICE`: one service in this process, as the image runs it."""

import enum
import importlib
from typing import TYPE_CHECKING, Annotated

import typer

from dfp.local.mistake import UserMistake

if TYPE_CHECKING:
    from pydantic import ValidationError


class ServiceName(enum.StrEnum):
    """Services that a process can be."""

    COLLECTOR = "collector"
    FEATURES = "features"
    RISK_GUARD = "risk-guard"
    ENGINE = "engine"
    AGGREGATOR = "aggregator"
    API = "api"
    STREAMER = "streamer"
    GATEWAY = "gateway"


_ROOMS = {ServiceName.RISK_GUARD: "risk"}

"""Rooms that are not named as their service."""

_VARIABLE_BEHIND = {"ReferenceDataError": "DFP_REFERENCE_DATA: "}
"""Exception -> the variable that is wrong, where its own words do not name it."""


def run(service: Annotated[ServiceName, typer.Argument(help="Which service.")]) -> None:
    """Run one service until SIGTERM or SIGINT. Its settings are environment variables that begin with DFP_.

    \b
    Examples:
      DFP_REDIS_URL=redis://127.0.0.1:6379 dfp run features
      DFP_HEALTH_PORT=9200 dfp run aggregator
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    module = importlib.import_module(f"dfp.{_ROOMS.get(service, service)}.service")
    try:
        module.main()
    except ValidationError as error:
        raise UserMistake(settings_mistakes(error)) from None
    except mistakes_of(service) as error:
        raise UserMistake(f"{_VARIABLE_BEHIND.get(type(error).__name__, '')}{error}") from None
    except SettingsError as error:
        raise UserMistake(f"settings of {service}: {error}; lists and objects are written as JSON") from None


def mistakes_of(service: ServiceName) -> tuple[type[Exception], ...]:
    """What a service raises when a person has to mend something, beside wrong settings."""
    if service is ServiceName.ENGINE:
        from dfp.engine.loader import LoadError
        from dfp.sdk.errors import StrategyError

        return (LoadError, StrategyError)
    if service is ServiceName.GATEWAY:
        from dfp.gateway.service import CaddyMissing
        from dfp.gateway.site import SiteMissing

        return (CaddyMissing, SiteMissing)
    from dfp.market.reference import ReferenceDataError

    return (ReferenceDataError,)


def settings_mistakes(error: "ValidationError") -> str:
    """One line for each wrong setting: environment variable, value, what is allowed."""
    lines: list[str] = []
    for problem in error.errors(include_url=False):
        field, *inner = (str(part) for part in problem["loc"]) if problem["loc"] else ("settings",)
        variable = ".".join((f"DFP_{field.upper()}", *inner))
        expected = problem["msg"][0].lower() + problem["msg"][1:]
        if problem["type"] == "missing":
            lines.append(f"{variable} is not set; {expected}")
        else:
            shown = "(hidden, it may hold a password)" if field == "redis_url" else repr(problem["input"])
            lines.append(f"{variable}: {shown} is not allowed; {expected}")
    return "\n".join(lines)
