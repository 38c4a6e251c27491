"""From manifest files to what a plan needs: strategies, their source files, and the features that they declare."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from dfp.engine.source import LoadError, read_with_helpers
from dfp.local.mistake import UserMistake, refuse
from dfp.local.needs import Request, needs_of
from dfp_operator.api.config_map import ConfigMap
from dfp_operator.api.manifest import Manifest, ManifestError, parse, parse_all
from dfp_operator.api.risk_policy import RiskPolicy
from dfp_operator.api.strategy import Mode, Strategy
from dfp_operator.plan.code import code_file, code_reference
from dfp_operator.plan.problem import PlanError

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Resolved:
    """Manifests, ready to be planned.

    Attributes:
        strategies: those of the manifests, paused ones too.
        policies: those of the manifests.
        files: strategy name -> the copy of its source file that its engine loads.
        needs: features that the running strategies declare, each once.
    """

    strategies: tuple[Strategy, ...]
    policies: tuple[RiskPolicy, ...]
    files: Mapping[str, str]
    needs: tuple[str, ...]


def shipped_examples() -> Path:
    """The examples that come with dfp: inside the package, or in a checkout the folder `examples`."""
    packaged = Path(str(files("dfp.local"))) / "examples"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "examples"


def manifest_files(paths: Sequence[Path]) -> list[Path]:
    """The YAML files that `-f` means: files as they are, folders with everything below them, each file once.

    Raises:
        UserMistake: a path does not exist, or nothing is there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            refuse("-f", path, "an existing file or folder")
        below = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES) if path.is_dir() else [path]
        if not below:
            refuse("-f", path, f"a folder with manifests ({' or '.join('*' + suffix for suffix in SUFFIXES)})")
        found.update((file.resolve(), None) for file in below)
    return list(found)


def read(paths: Sequence[Path]) -> dict[Path, list[Manifest]]:
    """File -> its manifests.

    Raises:
        UserMistake: lists every problem of every file.
    """
    texts: dict[str, str] = {}
    for path in paths:
        try:
            texts[str(path)] = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UserMistake(f"{path}: {error.strerror}; expected a file that can be read") from None
        except UnicodeDecodeError as error:
            raise UserMistake(f"{path}: byte {error.start} is not UTF-8; expected YAML text") from None
    try:
        parse_all(texts)
        return {path: parse(texts[str(path)], str(path)) for path in paths}
    except ManifestError as error:
        raise UserMistake(str(error)) from None


async def resolve(paths: Sequence[Path], code_folder: Path) -> Resolved:
    """Everything that `-f` says.

    Args:
        code_folder: takes copies of the strategies' source: an edit during the run must not change a strategy at its
            engine's next restart.

    Raises:
        UserMistake: a manifest, its code or its parameters are wrong.
    """
    manifests = read(manifest_files(paths))
    config_maps = [item for items in manifests.values() for item in items if isinstance(item, ConfigMap)]
    owners = [(item, path) for path, items in manifests.items() for item in items if isinstance(item, Strategy)]
    if not owners:
        raise UserMistake(f"-f {' '.join(map(str, paths))}: no Strategy is there; expected at least one")
    running = [(strategy, path) for strategy, path in owners if strategy.spec.mode is not Mode.PAUSED]
    try:
        originals, copies = _lay_out(running, config_maps, code_folder)
        requests = [_request(strategy, originals) for strategy, _ in running]
    except PlanError as error:
        raise UserMistake(str(error)) from None
    needs = await _needs(requests)
    policies = tuple(item for items in manifests.values() for item in items if isinstance(item, RiskPolicy))
    return Resolved(tuple(strategy for strategy, _ in owners), policies, copies, needs)


def _lay_out(
    running: Sequence[tuple[Strategy, Path]], config_maps: Sequence[ConfigMap], folder: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """Strategy name -> file for messages, and -> copy for its engine."""
    originals: dict[str, str] = {}
    copies: dict[str, str] = {}
    for strategy, manifest in running:
        name = strategy.metadata.name
        beside = _file_beside(strategy, manifest, config_maps)
        if beside is not None:
            copy = folder / name / f"{strategy.spec.code.module}.py"
            copy.parent.mkdir(parents=True, exist_ok=True)
            for helper in _helpers(beside):
                shutil.copyfile(helper, copy.parent / helper.name)
            shutil.copyfile(beside, copy)
            originals[name], copies[name] = str(beside), str(copy)
        elif (code := code_file(strategy, config_maps)) is not None:
            copy = folder / name / code.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            for file_name, text in {**code.helpers, code.name: code.text}.items():
                (copy.parent / file_name).write_text(text, encoding="utf-8")
            originals[name] = copies[name] = str(copy)
    return originals, copies


def _helpers(file: Path) -> list[Path]:
    """Files beside a strategy's own that it imports; none if it is wrong, which the process that loads it says best."""
    try:
        return [source.path for _, source in read_with_helpers(file)[1:]]
    except LoadError:
        return []


def _file_beside(strategy: Strategy, manifest: Path, config_maps: Sequence[ConfigMap]) -> Path | None:
    """The source file beside the manifest that stands for a ConfigMap which is not given.

    Raises:
        PlanError: neither is there.
    """
    code = strategy.spec.code
    if code.config_map is None:
        return None
    wanted = (strategy.metadata.namespace, code.config_map.name)
    if wanted in {(item.metadata.namespace, item.metadata.name) for item in config_maps}:
        return None
    file = manifest.parent / (code.config_map.key or f"{code.module}.py")
    if file.is_file():
        return file
    try:
        code_file(strategy, config_maps)
    except PlanError as error:
        raise PlanError(f"{error}, or a file {file}") from None
    return None


def _request(strategy: Strategy, originals: Mapping[str, str]) -> Request:
    return Request(strategy.metadata.name, code_reference(strategy, originals), dict(strategy.spec.parameters))


async def _needs(requests: Sequence[Request]) -> tuple[str, ...]:
    outcomes = await asyncio.gather(*(needs_of(request) for request in requests), return_exceptions=True)
    mistakes = [str(outcome) for outcome in outcomes if isinstance(outcome, UserMistake)]
    if mistakes:
        raise UserMistake("\n".join(mistakes))
    found: dict[str, None] = {}
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        found.update(dict.fromkeys(outcome))
    return tuple(found)


def names_of(strategies: Sequence[Strategy]) -> Iterator[str]:
    """Names of the strategies that run, in the plan's order."""
    yield from sorted(strategy.metadata.name for strategy in strategies if strategy.spec.mode is not Mode.PAUSED)
