"""From what a plan says of a strategy to an engine that can run it: the same for live, one machine and history."""

from collections.abc import Mapping

from dfp.contracts.names import Names
from dfp.engine.core import EngineCore
from dfp.engine.deadline import Watch
from dfp.engine.loader import load
from dfp.engine.revision import revision
from dfp.engine.universe import Universe


def assemble(
    names: Names,
    name: str,
    *,
    code: str,
    parameters: Mapping[str, object],
    universe: Mapping[str, object],
    live: bool,
    watch: Watch,
    group: str = "",
) -> EngineCore:
    """The engine of a strategy.

    Args:
        name: of the Strategy resource.
        code: see `dfp.engine.loader.load`.
        parameters: the manifest's; what it leaves out has its default.
        universe: the manifest's, as JSON.
        group: strategies of one group are not independent witnesses; empty = a group of its own.

    Raises:
        LoadError: the code cannot be loaded.
        StrategyError: a parameter is not allowed.
        ContractError: the universe is not allowed.
    """
    loaded = load(code)
    strategy = loaded.kind(**parameters)
    definition = loaded.kind.definition
    admitted = Universe.parse(universe)
    resolved = {parameter: getattr(strategy, parameter) for parameter in definition.parameters}
    return EngineCore(
        names,
        name,
        strategy,
        revision=revision(loaded.source, resolved, admitted.canonical(), definition.needs, group, loaded.helpers),
        universe=admitted,
        live=live,
        watch=watch,
        group=group,
    )
