"""Settings of an engine: which strategy, with which parameters, on which symbols."""

from typing import Any, Literal

from pydantic import Field

from dfp.runtime.settings import ServiceSettings


class EngineSettings(ServiceSettings):
    """What the plan says in `DFP_STRATEGY*` variables."""

    strategy: str = Field(
        pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", description="Name of the Strategy resource"
    )
    strategy_code: str = Field(
        pattern=r"^(entrypoint:[^:]+|file:.+:[^:]+)$",
        description="entrypoint:NAME (group dfp.strategies) or file:PATH:Class",
    )
    strategy_parameters: dict[str, Any] = Field(default_factory=dict, description="JSON object, parameter -> value")
    strategy_universe: dict[str, Any] = Field(
        default_factory=dict, description='JSON object {"include": […], "exclude": […]}; empty means every symbol'
    )
    strategy_group: str = Field(
        default="", max_length=63, description="Label dongfengpo.io/group; strategies of one group count as one witness"
    )
    strategy_mode: Literal["Live", "Shadow"] = Field(
        default="Shadow", description="Live writes to strategy_signals, Shadow to shadow_signals"
    )
    handler_cpu_ms: int = Field(
        default=100,
        ge=1,
        le=60_000,
        description="CPU time of one handler call, after which it is contained. A tick's work is microseconds; "
        "the rest is room for a garbage collection or a page fault",
    )
