"""Resolve requirements/*.txt: exact versions with hashes, for every supported Python, without any address."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write one file a purpose. What the product runs on is resolved first, and the other files agree with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime, extras = project["dependencies"], project["optional-dependencies"]
    for name, wanted in (("runtime", runtime), ("build", extras["build"]), ("dev", runtime + extras["dev"])):
        print(f"resolving requirements/{name}.txt …", flush=True)
        target = ROOT / "requirements" / f"{name}.txt"
        command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--universal", "--python-version", "3.11"]
        command += ["--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--output-file", str(target)]
        if name != "runtime":
            command += ["--constraint", str(ROOT / "requirements" / "runtime.txt")]
        subprocess.run(command, cwd=ROOT, check=True, input="\n".join(wanted).encode())


if __name__ == "__main__":
    main()
