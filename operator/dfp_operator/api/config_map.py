"""ConfigMaps: where a strategy's code lies. Kubernetes' own kind, modelled so that the same folder works without it."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dfp.contracts.errors import ContractError
from dfp_operator.api.metadata import Metadata
from dfp_operator.api.model import Model
from dfp_operator.api.values import MAX_NAME, DataKey, Subdomain

MAX_DATA = 1_048_576
"""Kubernetes refuses ConfigMaps with more than 1 MiB of data."""

MAX_KEYS = 256
"""Files of one ConfigMap; a strategy is one file."""


class ConfigMapMetadata(Metadata):
    """Kubernetes allows longer names here than for our own kinds."""

    name: Subdomain
    """Unique among the ConfigMaps of the namespace."""

    creation_timestamp: Annotated[str, Field(max_length=MAX_NAME)] | None = None
    """Read by nobody; `kubectl create configmap --dry-run=client -o yaml` writes it as null."""


class ConfigMap(Model):
    """A set of named texts."""

    api_version: Literal["v1"]
    """The core group."""

    kind: Literal["ConfigMap"]
    """Always ConfigMap."""

    metadata: ConfigMapMetadata
    """Name and namespace."""

    data: Annotated[Mapping[DataKey, Annotated[str, Field(max_length=MAX_DATA)]], Field(max_length=MAX_KEYS)] = {}
    """File name -> content."""

    binary_data: Annotated[
        Mapping[DataKey, Annotated[str, Field(max_length=MAX_DATA)]], Field(max_length=MAX_KEYS)
    ] = {}
    """File name -> content in base64; strategies are text, so nothing here reads it."""

    immutable: bool = False
    """Whether Kubernetes refuses later changes."""

    @model_validator(mode="after")
    def _fits_into_etcd(self) -> Self:
        size = sum(len(value.encode()) for part in (self.data, self.binary_data) for value in part.values())
        if size > MAX_DATA:
            raise ContractError("data", f"{size} bytes", f"at most {MAX_DATA} bytes in all")
        return self
