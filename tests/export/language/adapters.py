"""Random adapters for tests, written by peft as its users write them; and what members say, the slow way."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.language.models import tiny_model

RANK, ALPHA = 3, 5


def write_adapter(folder: Path, base: Path, seed: int, **options: Any) -> Path:
    """Write a random adapter, whose two matrices are both far from zero."""
    peft = pytest.importorskip("peft")
    settings = {"r": RANK, "lora_alpha": ALPHA, "target_modules": ["q_proj", "v_proj", "down_proj"], **options}
    generator = torch.Generator().manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(tiny_model(), peft.LoraConfig(task_type="CAUSAL_LM", **settings))
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
        model.peft_config["default"].base_model_name_or_path = str(base)
        model.save_pretrained(folder, save_embedding_layers=False)
    return folder


def peft_models(base: Path, folders: Sequence[Path]) -> list[Any]:
    """Each member as a model of its own, loaded by peft."""
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            peft.PeftModel.from_pretrained(transformers.AutoModelForCausalLM.from_pretrained(base), folder).eval()
            for folder in folders
        ]


@torch.no_grad()
def slow_log_probs(models: Sequence[Any], ids: Sequence[int]) -> torch.Tensor:
    """Log-probabilities [member, position, token] float64, one member after another and without a cache."""
    said = [model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0] for model in models]
    return torch.log_softmax(torch.stack(said), dim=-1).double()
