"""Where a strategy's code comes from. There is no inline source, and the operator never imports a user's code."""

from typing import Annotated, Self

from pydantic import model_validator

from dfp.contracts.errors import ContractError
from dfp_operator.api.model import Model
from dfp_operator.api.values import DataKey, EntryPoint, Subdomain, text


class ConfigMapCode(Model):
    """Code in a ConfigMap of the same namespace."""

    name: Subdomain
    """The ConfigMap's name."""

    key: DataKey | None = None
    """The key that holds the source; the entry point's module and `.py` unless given."""


class ArtifactCode(Model):
    """Code in an OCI artifact, mounted as an image volume."""

    reference: Annotated[
        str,
        text(
            r"^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
            r"(@sha256:[0-9a-f]{64})?$",
            "HOST/PATH[:TAG][@sha256:DIGEST], such as registry.example.org/quant/momentum:3",
            500,
        ),
    ]
    """What to pull; a Live strategy needs the digest, because a tag can change under it."""

    @property
    def pinned(self) -> bool:
        """Whether the reference names its content."""
        return "@sha256:" in self.reference


class Code(Model):
    """Exactly one of builtin, configMap and artifact; the last two with an entry point."""

    builtin: (
        Annotated[str, text(r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$", "the name of an entry point")] | None
    ) = None
    """A strategy of an installed package: the name of its entry point in the group dfp.strategies."""

    config_map: ConfigMapCode | None = None
    """Source in a ConfigMap."""

    artifact: ArtifactCode | None = None
    """Source in an OCI artifact."""

    entry_point: EntryPoint | None = None
    """module:Class in the ConfigMap or artifact."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        source = self.exactly_one_of("builtin", "config_map", "artifact")
        if source == "builtin":
            if self.entry_point is not None:
                raise ContractError("entryPoint", self.entry_point, "none with builtin, which is an entry point itself")
        elif self.entry_point is None:
            raise ContractError("entryPoint", None, "module:Class, such as momentum:Breakout")
        elif source == "config_map" and "." in self.module:
            raise ContractError(
                "entryPoint", self.entry_point, "a module without dots: code in a ConfigMap is one file"
            )
        return self

    @property
    def module(self) -> str:
        """The entry point's module, empty for builtin code."""
        return (self.entry_point or "").partition(":")[0]

    @property
    def class_name(self) -> str:
        """The entry point's class, empty for builtin code."""
        return (self.entry_point or "").partition(":")[2]
