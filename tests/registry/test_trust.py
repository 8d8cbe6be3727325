"""The gate: what was asked for passes, what a stranger names does not, and trust opens it for one folder."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from lrensemble.config import Recipe, SplitSettings, TrainSettings
from lrensemble.data import SOURCES, of_recipe
from lrensemble.errors import DataError, SpecError, UntrustedError
from lrensemble.models import MODELS
from lrensemble.policies import build
from lrensemble.registry import Registry, ask_for, known_paths_only, require_known_paths
from lrensemble.spec import Spec

MODULE = """
import {imported} as sibling

def half(total, *, peak=0.1):
    return lambda step: peak / 2

def other(total, *, peak=0.1):
    return lambda step: peak / 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which no path of modules holds."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str, imported: str = "json") -> str:
    (folder / f"{name}.py").write_text(MODULE.format(imported=imported), encoding="utf-8")
    return name


def test_the_current_folder_is_searched_last_and_only_for_a_name(folder: Path) -> None:
    before = list(sys.path)
    write(folder, "statistics")
    name = write(folder, "found_here", imported="found_beside")
    write(folder, "found_beside")
    assert build(f"{name}:half(peak=0.4)", 3)(0) == 0.2
    assert sys.path == before
    with pytest.raises(SpecError, match="has no function 'half'"):
        build("statistics:half", 3)
    (folder / "broken_here.py").write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(SpecError, match="ZeroDivisionError"):
        build("broken_here:half", 3)
    assert sys.path == before


def test_a_folder_that_is_gone_is_not_searched(folder: Path) -> None:
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    with pytest.raises(SpecError, match="cannot import 'nowhere_at_all'"):
        build("nowhere_at_all:half", 3)


def test_one_function_that_was_asked_for_is_not_all_of_its_module(folder: Path) -> None:
    name = write(folder, "asked_in_part")
    build(f"{name}:half", 3)
    require_known_paths("a pool", f"{name}:half")
    with pytest.raises(UntrustedError, match=f"a pool names {name}:other: its code is not imported unasked"):
        require_known_paths("a pool", f"{name}:other")
    with known_paths_only("a pool"):
        assert build(f"{name}:half", 3)(0) == 0.05
        with pytest.raises(UntrustedError, match="add --trust-code"):
            build(f"{name}:other", 3)


def test_what_was_refused_was_not_asked_for(folder: Path) -> None:
    name = write(folder, "refused_first")
    for _ in range(2):
        with known_paths_only("a pool"), pytest.raises(UntrustedError):
            build(f"{name}:half", 3)
    assert name not in sys.modules


def test_names_that_were_said_before_pass_later(folder: Path) -> None:
    name = write(folder, "said_before")
    ask_for(f"warmup(policy={name}:half(), steps=1)")
    with known_paths_only("a pool"):
        assert build(f"{name}:half", 3)(0) == 0.05


def test_trust_opens_the_gate(folder: Path) -> None:
    name = write(folder, "trusted_here")
    with known_paths_only("a pool"), known_paths_only("a pool", trust_code=True):
        assert build(f"{name}:other(peak=0.3)", 3)(0) == pytest.approx(0.1)
    name = write(folder, "trusted_too")
    require_known_paths("a pool", f"{name}:half", trust_code=True)
    with known_paths_only("a pool"):
        assert build(f"{name}:half", 3)(0) == 0.05


@pytest.mark.parametrize(
    ("registry", "spec"),
    [(SOURCES, "hub(repo='somebody/images')"), (MODELS, "vit(checkpoint='somebody/vit')")],
)
def test_what_is_asked_of_a_hub_passes_the_same_gate(registry: Registry[Any, Any], spec: str) -> None:
    with known_paths_only("a pool"):
        for _ in range(2):
            with pytest.raises(
                UntrustedError, match=r"a pool names .*: nothing is asked of a hub unasked; if you trust"
            ):
                registry.check(spec)
    registry.check(spec)
    with known_paths_only("a pool"):
        registry.check(spec)
        registry.check("digits" if registry is SOURCES else "vit(size='tiny')")
        with pytest.raises(UntrustedError):
            registry.check(spec.replace("somebody", "other"))


def test_every_source_and_model_that_goes_to_a_hub_says_so() -> None:
    """Each that takes a repository or a checkpoint, by the names that such arguments have."""
    for registry in (SOURCES, MODELS):
        for name in registry:
            telling = {"repo", "checkpoint", "url", "revision", "pretrained"} & set(registry.arguments(name))
            assert telling <= set(registry.find(name).outside), name


def a_recipe(data: Spec) -> Recipe:
    return Recipe(
        data=data,
        fingerprint="0" * 64,
        split=SplitSettings(),
        model=Spec("mlp"),
        policy=Spec("cosine", {"peak": 0.1}),
        train=TrainSettings(),
    )


def test_the_data_set_of_a_recipe_is_not_fetched_unasked() -> None:
    recipe = a_recipe(Spec("hub", {"repo": "a-stranger/images"}))
    with pytest.raises(UntrustedError, match=r"hub\(repo='a-stranger/images'\)"):
        of_recipe(recipe, None)


@pytest.mark.parametrize(
    "file", ["/etc/x.npz", "../x.npz", "a/../../x.npz", "//host/x.npz", r"\\host\x.npz", "C:x.npz"]
)
def test_a_file_of_a_recipe_lies_in_the_folder_of_its_data(file: str, tmp_path: Path) -> None:
    recipe = a_recipe(Spec("npz", {"file": file}))
    with pytest.raises(UntrustedError, match="outside of the folder of its data"):
        of_recipe(recipe, tmp_path)
    with pytest.raises(DataError):
        of_recipe(a_recipe(Spec("npz", {"file": "inside/x.npz"})), tmp_path)
