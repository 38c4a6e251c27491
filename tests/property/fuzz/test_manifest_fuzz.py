"""Damaged manifests: manifests, or a ManifestError with printable lines."""

from hypothesis import given

from conftest import ROOT
from dfp_operator.api.manifest import ManifestError, parse
from mutations import attempt, hostile

VALID = [file.read_bytes() for file in sorted(ROOT.glob("examples/**/*.yaml"))]


@given(hostile(VALID))
def test_a_damaged_manifest_is_read_or_refused(data: bytes) -> None:
    found, refusal = attempt(ManifestError, parse, data.decode("utf-8", "surrogateescape"), "hostile.yaml")
    if found is None:
        assert str(refusal)
        assert all(line.isprintable() for line in str(refusal).splitlines())
    else:
        assert all(manifest.metadata.name for manifest in found)
