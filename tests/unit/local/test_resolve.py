"""Manifests of a folder, resolved with the child process that loads each strategy."""

import asyncio
import json
from pathlib import Path

import psutil
import pytest

from dfp.local.mistake import UserMistake
from dfp.local.needs import Answer, Request, answer, needs_of
from dfp.local.resolve import manifest_files, names_of, read, resolve, shipped_examples
from waiting import until

STRATEGY = """
apiVersion: dongfengpo.io/v1alpha1
kind: Strategy
metadata: {{name: {name}}}
spec:
  mode: {mode}
  code: {{configMap: {{name: {name}-code}}, entryPoint: "{module}:Rising"}}
  parameters: {parameters}
"""

CODE = """
from dfp.sdk import Param, Strategy


class Rising(Strategy):
    needs = {needs}
    share: float = Param(0.5, gt=0, lt=1)

    def on_tick(self, tick, memory):
        return None
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, *, needs: str = '("spread",)', mode: str = "Live", parameters: str = "{}") -> Path:
    """A manifest with its code in a file beside it."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(CODE.format(needs=needs))
    manifest = folder / f"{name}.yaml"
    manifest.write_text(STRATEGY.format(name=name, module=module, mode=mode, parameters=parameters))
    return manifest


def test_folders_are_searched_to_the_bottom_and_a_file_counts_once(folder: Path) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    for file in ("a.yaml", "deep/b.yml", "deep/er/c.yaml", "notes.txt"):
        (folder / file).write_text("")
    found = manifest_files([folder / "deep" / "b.yml", folder])
    assert [file.name for file in found] == ["b.yml", "a.yaml", "c.yaml"]


def test_a_path_that_does_not_exist_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(UserMistake, match=r"-f: .*gone.* is not allowed; expected an existing file or folder"):
        manifest_files([folder / "gone"])


def test_a_folder_without_manifests_is_refused(folder: Path) -> None:
    with pytest.raises(UserMistake, match=r"expected a folder with manifests \(\*\.yaml or \*\.yml\)"):
        manifest_files([folder])


def test_every_problem_of_every_file_is_listed(folder: Path) -> None:
    (folder / "a.yaml").write_text("kind: Strategie\n")
    (folder / "b.yaml").write_text("a: [\n")
    with pytest.raises(UserMistake) as refused:
        read(manifest_files([folder]))
    assert "a.yaml, document 1" in str(refused.value)
    assert "b.yaml" in str(refused.value)


def test_a_file_that_is_not_text_or_cannot_be_read_is_refused(folder: Path) -> None:
    (folder / "a.yaml").write_bytes(b"a: \xff")
    with pytest.raises(UserMistake, match=r"a\.yaml: byte 3 is not UTF-8"):
        read([folder / "a.yaml"])
    with pytest.raises(UserMistake, match="Is a directory; expected a file that can be read"):
        read([folder])


async def test_code_beside_a_manifest_is_copied_so_that_an_edit_changes_no_running_strategy(folder: Path) -> None:
    manifest = write(folder, "rising")
    resolved = await resolve([manifest], folder / "code")
    copy = folder / "code" / "rising" / "rising.py"
    assert resolved.files == {"rising": str(copy)}
    assert copy.read_text() == (folder / "rising.py").read_text()
    assert resolved.needs == ("spread",)


async def test_code_in_a_config_map_is_written_to_a_file(folder: Path) -> None:
    manifest = write(folder, "rising")
    code = (folder / "rising.py").read_text()
    (folder / "rising.py").unlink()
    indented = "\n".join(f"    {line}" for line in code.splitlines())
    text = f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: rising-code}}\ndata:\n  rising.py: |\n{indented}\n"
    manifest.write_text(manifest.read_text() + text)
    resolved = await resolve([manifest], folder / "code")
    assert resolved.files == {"rising": str(folder / "code" / "rising" / "rising.py")}
    assert (folder / "code" / "rising" / "rising.py").read_text() == code


async def test_helpers_beside_the_code_are_copied_and_other_files_are_not(folder: Path) -> None:
    manifest = write(folder, "rising", needs="(levels.FEATURE,)\n    levels = None")
    code = folder / "rising.py"
    code.write_text(f"import levels\n{code.read_text()}")
    (folder / "levels.py").write_text('FEATURE = "vwap"\n')
    (folder / "unused.py").write_text("import os\n")
    resolved = await resolve([manifest], folder / "code")
    assert resolved.needs == ("vwap",)
    assert sorted(file.name for file in (folder / "code" / "rising").iterdir()) == ["levels.py", "rising.py"]
    assert (await needs_of(Request("rising", f"file:{resolved.files['rising']}:Rising", {}))) == ("vwap",)


async def test_helpers_in_a_config_map_are_written_to_files(folder: Path) -> None:
    manifest = write(folder, "rising", needs="(FEATURE,)")
    code = "from levels import FEATURE\n" + (folder / "rising.py").read_text()
    (folder / "rising.py").unlink()
    data = {"rising.py": code, "levels.py": 'FEATURE = "vwap"\n', "notes.md": "x"}
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rising-code"}, "data": data}
    manifest.write_text(f"{manifest.read_text()}\n---\n{json.dumps(document)}\n")
    resolved = await resolve([manifest], folder / "code")
    assert resolved.needs == ("vwap",)
    assert sorted(file.name for file in (folder / "code" / "rising").iterdir()) == ["levels.py", "rising.py"]


async def test_code_that_is_wrong_is_told_by_the_process_that_loads_it(folder: Path) -> None:
    write(folder, "one", needs="(")
    write(folder, "two", needs="[")
    with pytest.raises(UserMistake) as refused:
        await resolve([folder], folder / "code")
    assert "strategy 'one': " in str(refused.value)
    assert "strategy 'two': " in str(refused.value)


async def test_needs_of_all_strategies_are_joined_and_each_stands_once(folder: Path) -> None:
    write(folder, "one", needs='("spread", "imbalance")')
    write(folder, "two", needs='("imbalance", "zscore_100")')
    assert sorted((await resolve([folder], folder / "code")).needs) == ["imbalance", "spread", "zscore_100"]


async def test_a_paused_strategy_is_parsed_and_not_loaded(folder: Path) -> None:
    write(folder, "live")
    write(folder, "paused", mode="Paused", needs="broken(")
    resolved = await resolve([folder], folder / "code")
    assert len(resolved.strategies) == 2
    assert list(names_of(resolved.strategies)) == ["live"]
    assert list(resolved.files) == ["live"]


async def test_code_that_is_nowhere_is_refused_with_both_places_where_it_could_be(folder: Path) -> None:
    manifest = write(folder, "rising")
    (folder / "rising.py").unlink()
    with pytest.raises(UserMistake) as refused:
        await resolve([manifest], folder / "code")
    assert "Strategy rising: spec.code.configMap.name" in str(refused.value)
    assert f"or a file {folder / 'rising.py'}" in str(refused.value)


async def test_manifests_without_a_strategy_are_refused(folder: Path) -> None:
    (folder / "empty.yaml").write_text("")
    with pytest.raises(UserMistake, match="no Strategy is there; expected at least one"):
        await resolve([folder], folder / "code")


async def test_mistakes_of_all_strategies_are_told_at_once_each_with_its_file_and_line(folder: Path) -> None:
    write(folder, "one", parameters="{share: 2.0}")
    write(folder, "two", parameters="{shared: 0.5}")
    write(folder, "three")
    (folder / "three.py").write_text("class Rising(\n")
    with pytest.raises(UserMistake) as refused:
        await resolve([folder], folder / "code")
    message = str(refused.value)
    assert "strategy 'one': Rising.share = 2.0 is not allowed; expected a float > 0 and < 1" in message
    assert "strategy 'two': Rising has no parameter 'shared'" in message
    assert f"strategy 'three': {folder / 'three.py'}:1: " in message


async def test_code_that_never_ends_is_stopped(folder: Path) -> None:
    (folder / "endless.py").write_text("while True: pass\n")
    with pytest.raises(UserMistake, match=r"loading file:.* takes longer than 2 s"):
        await needs_of(Request("endless", f"file:{folder / 'endless.py'}:Rising", {}), timeout_s=2)


async def test_code_that_brings_its_process_down_is_told_with_how_it_ended(folder: Path) -> None:
    (folder / "fatal.py").write_text("while True: pass\n")
    loading = asyncio.create_task(needs_of(Request("fatal", f"file:{folder / 'fatal.py'}:Rising", {})))
    await until(lambda: loaders())
    for process in loaders():
        process.kill()  # as a crash in a compiled library would
    with pytest.raises(UserMistake, match=r"strategy 'fatal': loading file:.* ended with killed by SIGKILL"):
        await loading


def loaders() -> list[psutil.Process]:
    """Child processes that load a strategy now."""
    return [child for child in psutil.Process().children() if "dfp.local.needs" in child.cmdline()]


async def test_what_a_strategy_prints_while_it_is_loaded_does_no_harm(folder: Path) -> None:
    (folder / "loud.py").write_text("print('{}')\n" + CODE.format(needs='("spread",)'))
    try:
        needs = await needs_of(Request("loud", f"file:{folder / 'loud.py'}:Rising", {}))
    except UserMistake as refused:
        assert "print" in str(refused)  # noqa: PT017 - the loader may refuse it by name instead
    else:
        assert needs == ("spread",)


async def test_the_shipped_examples_resolve(tmp_path: Path) -> None:
    resolved = await resolve([shipped_examples()], tmp_path)
    assert len(resolved.files) == len(list(names_of(resolved.strategies))) >= 2
    assert resolved.needs


def test_a_strategy_answers_with_its_needs_or_with_what_is_wrong(folder: Path) -> None:
    write(folder, "rising")
    code = f"file:{folder / 'rising.py'}:Rising"
    assert answer(Request("rising", code, {"share": 0.25})) == Answer(needs=("spread",))
    assert "Rising.share = 1.5" in (answer(Request("rising", code, {"share": 1.5})).error or "")
    assert "no strategy class 'Falling'" in (
        answer(Request("rising", code.replace("Rising", "Falling"), {})).error or ""
    )


def test_a_feature_that_does_not_exist_is_a_mistake_of_its_strategy(folder: Path) -> None:
    write(folder, "rising", needs='("sprad",)')
    said = answer(Request("rising", f"file:{folder / 'rising.py'}:Rising", {})).error or ""
    assert "feature: 'sprad' is not allowed" in said
    assert "did you mean spread?" in said
