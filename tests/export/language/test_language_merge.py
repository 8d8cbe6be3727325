"""The mean of a team's updates: as one adapter, exact or of a lower rank, and as one model."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.export.language.adapters import peft_models, slow_log_probs, write_adapter
from tests.export.language.conftest import WEIGHTS, Team

from lrensemble.errors import ExportError
from lrensemble.export.language import LanguageEnsemble
from lrensemble.export.language.merge import merged_adapter, write_merged_adapter, write_merged_base

IDS = [1, 20, 21, 30, 8]


def updates(model: Any) -> dict[str, torch.Tensor]:
    """What an adapter adds to each layer, by peft."""
    return {
        name: module.get_delta_weight("default").detach().double()
        for name, module in model.named_modules()
        if hasattr(module, "get_delta_weight")
    }


def mean_of_updates(models: list[Any], weights: tuple[float, ...] = WEIGHTS) -> dict[str, torch.Tensor]:
    each = [updates(model) for model in models]
    names = {name for own in each for name in own}
    return {
        name: sum(weight * own[name] for weight, own in zip(weights, each, strict=True) if name in own)  # type: ignore[misc]
        for name in names
    }


def distance(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    assert found.keys() == wanted.keys()
    lost = sum(float(((found[name] - wanted[name]) ** 2).sum()) for name in wanted)
    return float((lost / sum(float((own**2).sum()) for own in wanted.values())) ** 0.5)


def test_cat_is_the_mean_of_the_updates(team: Team, base: Path, alone: list[Any], tmp_path: Path) -> None:
    """Read by peft from the files that are written."""
    ensemble = team("token_probabilities")
    merged = merged_adapter(ensemble)
    write_merged_adapter(ensemble, merged, tmp_path / "merged")
    (model,) = peft_models(base, [tmp_path / "merged"])
    assert distance(updates(model), mean_of_updates(alone)) < 1e-6
    assert (merged.rank, merged.loss) == (9, 0.0)
    assert merged.adapter.settings["target_modules"] == ["down_proj", "q_proj", "v_proj"]
    with pytest.raises(ExportError, match="is there already"):
        write_merged_adapter(ensemble, merged, tmp_path / "merged")


def test_svd_states_what_it_loses(team: Team, base: Path, alone: list[Any], tmp_path: Path) -> None:
    ensemble, wanted = team("token_probabilities"), mean_of_updates(alone)
    for rank in (None, 1, 9):
        merged = merged_adapter(ensemble, "svd", rank)
        folder = tmp_path / str(rank)
        write_merged_adapter(ensemble, merged, folder)
        found = distance(updates(peft_models(base, [folder])[0]), wanted)
        assert merged.rank == (rank or 3)
        assert merged.loss == pytest.approx(found, abs=1e-6)
    assert merged_adapter(ensemble, "svd", 1).loss > merged_adapter(ensemble, "svd").loss > 0.1


def test_members_of_other_ranks_and_layers_are_averaged_too(base: Path, tmp_path: Path) -> None:
    folders = {
        "wide": write_adapter(tmp_path / "wide", base, 1, r=5, use_rslora=True),
        "few": write_adapter(tmp_path / "few", base, 2, r=2, target_modules=["o_proj"], layers_to_transform=[1]),
    }
    ensemble = LanguageEnsemble.from_adapters(base, folders, (3, 1))
    write_merged_adapter(ensemble, merged_adapter(ensemble), tmp_path / "merged")
    models = peft_models(base, [*folders.values(), tmp_path / "merged"])
    assert distance(updates(models[2]), mean_of_updates(models[:2], (0.75, 0.25))) < 1e-6


def test_the_merged_base_is_a_model_without_adapters(team: Team, base: Path, alone: list[Any], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    ensemble = team("token_probabilities")
    write_merged_base(ensemble, tmp_path / "whole")
    write_merged_adapter(ensemble, merged_adapter(ensemble), tmp_path / "merged")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "whole")
        model.eval()
    said = slow_log_probs([model, *peft_models(base, [tmp_path / "merged"]), *alone], IDS)
    assert torch.allclose(said[0], said[1], atol=1e-5)
    assert not torch.allclose(said[0], said[2:].exp().mean(0).log(), atol=1e-2)  # it is not the team
    with pytest.raises(ExportError, match="is there already"):
        write_merged_base(ensemble, tmp_path / "whole")


def test_what_is_no_mean_is_refused(team: Team, base: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    ensemble = team("token_probabilities")
    with pytest.raises(ExportError, match="'linear' averages A and B separately"):
        merged_adapter(ensemble, "linear")
    with pytest.raises(ExportError, match="no combination 'ties'"):
        merged_adapter(ensemble, "ties")
    with pytest.raises(ExportError, match="rank = 4 is refused"):
        merged_adapter(ensemble, "cat", 4)
    dora = write_adapter(tmp_path / "dora", base, 3, use_dora=True)
    with pytest.raises(ExportError, match="member 'dora' is a DoRA adapter"):
        merged_adapter(LanguageEnsemble.from_adapters(base, {"low": folders["low"], "dora": dora}))
