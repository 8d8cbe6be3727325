"""Adapters in one program on a GPU of CUDA's, where there is one, and the same on the CPU where there is none."""

from pathlib import Path

import pytest
import torch
from tests.language.models import tiny_base
from tests.language.toy_texts import toy_texts

from lrensemble import models
from lrensemble.config import SplitSettings, TrainSettings
from lrensemble.language.base import base_of
from lrensemble.policies import build
from lrensemble.train.execution.grouping import is_stackable
from lrensemble.train.run.fit import fit, fit_members
from lrensemble.train.run.fused.sequences import StackedSequenceTrainee
from lrensemble.train.run.sequences import SequenceTrainee

pytest.importorskip("peft")
pytestmark = pytest.mark.gpu
DEVICE = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_members_of_a_group_are_trained_as_alone(tmp_path: Path, precision: str) -> None:
    base = tiny_base(tmp_path / "base")
    data = toy_texts(None, base_of(base), SplitSettings(seed=0)).to(DEVICE)
    recipes = [
        TrainSettings.model_validate(
            {"batch_size": 8, "seed": seed, "optimizer": "adamw", "clip_norm": 0.5, "precision": precision}
        )
        for seed in (4, 5, 6)
    ]
    policies = [build(f"cosine(peak={peak})", 5) for peak in (0.01, 0.02, 0.03)]

    def network(seed: int) -> torch.nn.Module:
        return models.build({"name": "lora", "base": str(base), "rank": 3}, (16,), 1, seed).float().to(DEVICE)

    assert is_stackable(network(0), data)
    group = StackedSequenceTrainee([network(each.seed) for each in recipes], data, recipes)
    losses = [loss for chunk in fit_members(group, policies, chunk_steps=3) for loss in chunk.losses]
    near = 1e-3 if precision == "float32" else 3e-2
    for member, (recipe, policy) in enumerate(zip(recipes, policies, strict=True)):
        alone = SequenceTrainee(network(recipe.seed), data, recipe)
        expected = [step.loss for step in fit(alone, policy)]
        torch.testing.assert_close([loss[member] for loss in losses], expected, rtol=near, atol=near)
        torch.testing.assert_close(group.predict("val")[member], alone.predict("val")[0], rtol=0.1, atol=0.1)
