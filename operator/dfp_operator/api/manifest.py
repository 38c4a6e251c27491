"""Parses manifests, as `dfp up -f` and `kubectl apply -f` take them."""

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias, get_args

from pydantic import ValidationError

from dfp_operator.api.config_map import ConfigMap
from dfp_operator.api.documents import Document, UnreadableError, Value, documents
from dfp_operator.api.explain import explain
from dfp_operator.api.problems import Problem, did_you_mean, one_of, path_text, shown
from dfp_operator.api.risk_policy import RiskPolicy
from dfp_operator.api.strategy import Strategy

Manifest: TypeAlias = Strategy | RiskPolicy | ConfigMap

_MODELS: Mapping[str, type[Manifest]] = {model.__name__: model for model in (Strategy, RiskPolicy, ConfigMap)}
_API_VERSIONS: Mapping[str, str] = {
    kind: get_args(model.model_fields["api_version"].annotation)[0] for kind, model in _MODELS.items()
}


class ManifestError(ValueError):
    """Manifests that cannot be accepted. The message has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def parse(text: str, source: str) -> list[Manifest]:
    """The manifests of one text, in its order. An empty text has none.

    Args:
        text: YAML, also of several documents; aliases, tags and equal keys are refused.
        source: what to call it in messages, a file name as a rule.

    Raises:
        ManifestError: lists every problem.
    """
    return parse_all({source: text})


def parse_all(texts: Mapping[str, str]) -> list[Manifest]:
    """The manifests of several texts, which may refer to each other and must not repeat each other.

    Args:
        texts: source -> text, see `parse`.

    Raises:
        ManifestError: lists every problem of every text.
    """
    manifests: list[Manifest] = []
    problems: list[Problem] = []
    places: dict[tuple[str, str, str], str] = {}
    for source, text in texts.items():
        try:
            for document in documents(text):
                outcome = _manifest(document, source)
                if isinstance(outcome, list):
                    problems.extend(outcome)
                    continue
                repeated = _repeated(outcome, source, document.number, places)
                if repeated is None:
                    manifests.append(outcome)
                else:
                    problems.append(repeated)
        except UnreadableError as error:
            problems.append(Problem(source, error.document, "", "", str(error)))
    if problems:
        raise ManifestError(problems)
    return manifests


def _repeated(
    manifest: Manifest, source: str, document: int, places: dict[tuple[str, str, str], str]
) -> Problem | None:
    metadata = manifest.metadata
    identity = (manifest.kind, metadata.namespace, metadata.name)
    here = f"{source}, document {document}"
    first = places.setdefault(identity, here)
    if first == here:
        return None
    known = f"{shown(metadata.name)} is already in namespace {metadata.namespace} ({first})"
    text = f"{known}; expected each {manifest.kind} once"
    return Problem(source, document, f"{manifest.kind} {metadata.name}", "metadata.name", text)


def _manifest(document: Document, source: str) -> Manifest | list[Problem]:
    found = [(path_text(path), text) for path, text in document.problems]
    resource = ""
    if not isinstance(document.value, dict):
        found.append(
            ("", f"{shown(document.value)} is not allowed; expected a mapping with apiVersion, kind, metadata")
        )
    else:
        resource = _resource(document.value)
        outcome = _validated(document.value)
        if not isinstance(outcome, list) and not found:
            return outcome
        found += outcome if isinstance(outcome, list) else []
    return [Problem(source, document.number, resource, path, text) for path, text in found]


def _validated(value: dict[str, Value]) -> Manifest | list[tuple[str, str]]:
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _MODELS:
        known = one_of([f"{name} ({version})" for name, version in _API_VERSIONS.items()])
        found = f"{shown(kind)} is not allowed" if "kind" in value else "missing"
        return [("kind", f"{found}; expected {known}{did_you_mean(kind, _MODELS)}")]
    try:
        # JSON is what the API server validates too: there 1 is no text, and a list is a list.
        return _MODELS[kind].model_validate_json(json.dumps(value))
    except ValidationError as error:
        return list(explain(_MODELS[kind], error))


def _resource(value: dict[str, Value]) -> str:
    """Kind and name, as far as they are there."""
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    parts = (value.get("kind"), name)
    return " ".join(shown(part)[1:-1] for part in parts if isinstance(part, str))
