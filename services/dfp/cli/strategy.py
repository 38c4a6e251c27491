"""`dfp strategy`: begin a strategy, look at its parameters, and make it ready for a cluster."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfp.local.mistake import UserMistake, refuse

if TYPE_CHECKING:
    from dfp.engine.loader import Loaded
    from dfp_operator.api.metadata import Metadata
    from dfp_operator.api.strategy import Strategy

MAX_NAME = 58
"""Kubernetes allows 63 characters; the ConfigMap's name is 5 longer."""

app = typer.Typer(
    help="Begin a strategy, look at its parameters, make it ready for a cluster.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the strategy: lower case, words joined by -.")],
    folder: Annotated[Path | None, typer.Option(help="Where to write. [default: a folder of that name]")] = None,
) -> None:
    """Write a strategy that works, its test, and its manifest. Nothing that exists is overwritten.

    \b
    Examples:
      dfp strategy new momentum
      dfp strategy new opening-gap --folder research/opening_gap
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    from dfp.cli.scaffold import scaffold

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > MAX_NAME:
        refuse("NAME", name, f"at most {MAX_NAME} lower-case letters and digits, in words joined by -: opening-gap")
    files = scaffold(name, folder if folder is not None else Path(name.replace("-", "_")))
    for path in files:
        if path.exists():
            raise UserMistake(f"{path} is there already; choose another name, or another --folder")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise UserMistake(f"{error.filename}: {error.strerror}; expected a folder that can be written to") from None
    for path in files:
        typer.echo(f"wrote {path}")
    _, test, manifest = files
    typer.echo(f"next: pytest {test}; dfp up -f {manifest}")


@app.command()
def schema(
    code: Annotated[str, typer.Argument(help="FILE:Class, or the name of an installed strategy.")],
) -> None:
    """Print the JSON Schema of a strategy's parameters. The strategy is loaded, so mistakes in it are told too.

    \b
    Examples:
      dfp strategy schema momentum/momentum.py:Momentum
      dfp strategy schema breakout
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    import json

    from dfp.sdk.param import json_schema

    kind = _load(f"file:{code}" if ":" in code else f"entrypoint:{code}").kind
    typer.echo(json.dumps(json_schema(kind.__name__, kind.definition.parameters), indent=2, ensure_ascii=False))


@app.command()
def render(
    manifests: Annotated[Path, typer.Argument(help="A manifest, or a folder with manifests; code lies beside them.")],
) -> None:
    """Print manifests with a ConfigMap for each strategy whose code lies beside them, ready for kubectl apply.

    Each strategy is loaded with its parameters first, so that what cannot run is refused here.

    \b
    Examples:
      dfp strategy render momentum/ | kubectl apply -f -
      dfp strategy render momentum/strategy.yaml > apply.yaml
    """  # noqa: D301 - \b keeps the lines of the examples apart in the help
    from dfp.local.resolve import manifest_files, read
    from dfp_operator.api.config_map import ConfigMap
    from dfp_operator.api.manifest import ManifestError, parse
    from dfp_operator.api.strategy import Strategy

    parsed = read(manifest_files([manifests]))
    given = {_key(item.metadata) for items in parsed.values() for item in items if isinstance(item, ConfigMap)}
    made: dict[tuple[str, str], dict[str, Any]] = {}
    for path, items in parsed.items():
        for item in items:
            if isinstance(item, Strategy) and item.spec.code.config_map is not None:
                key = (item.metadata.namespace, item.spec.code.config_map.name)
                if key not in given:
                    _add_code(made.setdefault(key, _config_map(item)), item, path.parent)
    texts = [_yaml(config_map) for config_map in made.values()]
    texts += [path.read_text(encoding="utf-8") for path in parsed]
    text = "---\n".join(one if one.endswith("\n") else f"{one}\n" for one in texts)
    try:
        parse(text, "what was rendered")
    except ManifestError as error:
        raise UserMistake(str(error)) from None
    typer.echo(text, nl=False)


def _key(metadata: "Metadata") -> tuple[str, str]:
    return metadata.namespace, metadata.name


def _config_map(strategy: "Strategy") -> dict[str, Any]:
    """The ConfigMap that a strategy names, without data."""
    code, metadata = strategy.spec.code, strategy.metadata
    assert code.config_map is not None
    namespace = {"namespace": metadata.namespace} if "namespace" in metadata.model_fields_set else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": code.config_map.name, **namespace},
        "data": {},
    }


def _add_code(config_map: dict[str, Any], strategy: "Strategy", folder: Path) -> None:
    """Add a strategy's file, and the helpers that it imports; several strategies may share a ConfigMap."""
    from dfp.sdk.errors import StrategyError

    code = strategy.spec.code
    assert code.config_map is not None
    key = code.config_map.key or f"{code.module}.py"
    loaded = _load(f"file:{folder / key}:{code.class_name}")
    try:
        loaded.kind(**strategy.spec.parameters)
    except StrategyError as error:
        raise UserMistake(f"strategy {strategy.metadata.name!r}: {error}") from None
    files = {key: loaded.source, **{f"{name}.py": content for name, content in loaded.helpers.items()}}
    for name, content in files.items():
        text = _Block(content.decode())
        if config_map["data"].setdefault(name, text) != text:
            raise UserMistake(
                f"strategy {strategy.metadata.name!r}: ConfigMap {code.config_map.name} has another {name} already; "
                "give one of the two strategies a ConfigMap of its own"
            )


def _yaml(config_map: dict[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Shows source as a block of lines, so that people can read what they apply."""

    Dumper.add_representer(
        _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")
    )
    dumped: str = yaml.dump(config_map, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return dumped


class _Block(str):
    """A text of many lines."""

    __slots__ = ()


def _load(code: str) -> "Loaded":
    from dfp.engine.loader import LoadError, load

    try:
        return load(code)
    except LoadError as error:
        raise UserMistake(str(error)) from None
