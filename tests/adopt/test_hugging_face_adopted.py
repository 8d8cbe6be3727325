"""Hugging Face: folders of save_pretrained and of its Trainer, and a callback that keeps every run."""

from __future__ import annotations

import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adopt.given.digits import rows
from tests.adopt.given.hugging_face import CONFIG, arguments, bert, quiet_trainer, samples, token_rows
from torch import nn

import lrensemble
from lrensemble.adopt.hf.folders import is_of_trainer, runs_in
from lrensemble.errors import AdoptError, LREnsembleError, MissingExtraError
from lrensemble.export import Ensemble

TOKENS = token_rows()
transformers: Any = import_module("transformers")


@pytest.fixture(autouse=True)
def quiet() -> None:
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def network(seed: int = 0, **settings: Any) -> Any:
    torch.manual_seed(seed)
    return transformers.BertForSequenceClassification(
        transformers.BertConfig(**{**CONFIG, "num_labels": 10, **settings})
    ).eval()


def checkpoint(folder: Path, seed: int, **state: Any) -> Path:
    """What a Trainer writes."""
    network(seed).save_pretrained(folder)
    step = int(folder.name.removeprefix("checkpoint-")) if folder.name.startswith("checkpoint-") else 30
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step, **state}))
    return folder


def adopt(pool: Path, given: Any, **keywords: Any) -> Any:
    return lrensemble.adopt(pool, given, **{"data": TOKENS, **keywords})


def members(pool: Path) -> dict[str, Any]:
    return {member.name: member for member in lrensemble.Pool.open(pool).members()}


def probs(given: Any, ids: Any, mask: Any = None) -> Any:
    with torch.no_grad():
        outputs = given(input_ids=torch.from_numpy(ids), attention_mask=mask)
        return outputs.logits.softmax(1).numpy()


@pytest.mark.parametrize("how", ["safetensors", "parts", "bin", "object"])
def test_a_network_of_transformers_is_run_again(tmp_path: Path, how: str) -> None:
    given, folder = network(), tmp_path / "bert"
    if how == "bin":
        given.config.save_pretrained(folder)
        torch.save(given.state_dict(), folder / "pytorch_model.bin")
    else:
        given.save_pretrained(folder, max_shard_size="2KB" if how == "parts" else "1GB")
    assert (folder / "model.safetensors.index.json").exists() is (how == "parts")
    result = adopt(tmp_path / "pool", given if how == "object" else f"hf:{folder}")
    assert result[0].difference < 1e-6
    member = members(tmp_path / "pool")["BertForSequenceClassification" if how == "object" else "bert"]
    expected = probs(given, TOKENS["x_test"])
    np.testing.assert_allclose(np.exp(member.predictions("test").dense(10)), expected, rtol=1e-5)


def test_padding_is_out_of_sight_unless_it_was_not(tmp_path: Path) -> None:
    given = network(pad_token_id=0)  # which pixels are as well
    given.save_pretrained(tmp_path / "bert")
    ids = TOKENS["x_val"]
    for mask, seen in ((None, torch.from_numpy(ids) != 0), (False, None)):
        adopt(tmp_path / f"pool-{mask}", tmp_path / "bert", mask=mask)
        found = np.exp(members(tmp_path / f"pool-{mask}")["bert"].predictions("val").dense(10))
        np.testing.assert_allclose(found, probs(given, ids, None if seen is None else seen.long()), rtol=1e-5)


def test_images_are_normalised_as_the_processor_of_the_folder_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 6}
    config = transformers.ViTConfig(**settings, image_size=8, patch_size=4, num_channels=1, num_labels=10)
    given = transformers.ViTForImageClassification(config).eval()
    given.save_pretrained(tmp_path / "vit")
    said: dict[str, Any] = {"do_normalize": True, "do_rescale": True, "rescale_factor": 1 / 16}
    said |= {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    (tmp_path / "vit" / "preprocessor_config.json").write_text(json.dumps(said))
    x, y = rows()["x_val"][:40], rows()["y_val"][:40]
    images = x.reshape(-1, 1, 8, 8).astype(np.uint8)
    data = {"x_val": images, "y_val": y}
    result = lrensemble.adopt(tmp_path / "pool", tmp_path / "vit", data=data)
    assert result[0].difference is not None
    assert result[0].difference < 1e-6
    with torch.no_grad():
        expected = given((torch.from_numpy(images).float() / 16 - 0.5) / 0.25).logits.softmax(1).numpy()
    found = np.exp(members(tmp_path / "pool")["vit"].predictions("val").dense(10))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    lrensemble.adopt(tmp_path / "stated", tmp_path / "vit", data=data, mean=2, std=3)
    assert members(tmp_path / "stated")["vit"].inputs.mean == (2.0,)


def test_a_sweep_gives_the_best_of_every_run_or_the_last_or_all(tmp_path: Path) -> None:
    logs = [{"step": 9, "epoch": 1.0, "loss": 2.5, "learning_rate": 0.03}, {"step": 9, "epoch": 1.0, "eval_loss": 2.25}]
    for run, best in (("trial-2", "checkpoint-9"), ("trial-10", None)):
        state = {"best_model_checkpoint": best and f"/elsewhere/{run}/{best}", "log_history": logs, "trial_name": run}
        for seed, step in enumerate((9, 18, 27)):
            checkpoint(tmp_path / "sweep" / run / f"checkpoint-{step}", seed, **state, trial_params={"width": 3})

    def taken(which: Any) -> list[tuple[str, str]]:
        return [(run.name, run.taken) for run in runs_in(tmp_path / "sweep", which)]

    assert taken("best") == [
        ("trial-2", "checkpoint-9, the best by the Trainer's metric"),
        ("trial-10", "checkpoint-27, the last, since the Trainer noted no best one"),
    ]
    assert taken("last")[0] == ("trial-2", "checkpoint-27, the last")
    assert [name for name, _ in taken("all")] == [
        f"{run}/checkpoint-{step}" for run in ("trial-2", "trial-10") for step in (9, 18, 27)
    ]
    adopt(tmp_path / "pool", tmp_path / "sweep")
    found = members(tmp_path / "pool")
    assert list(found) == ["trial-2", "trial-10"]
    expected = {"learning_rate": 0.03, "step": 9, "trial": "trial-2", "width": 3}
    assert expected.items() <= dict(found["trial-2"].facts).items()
    assert found["trial-2"].history() == [{"epoch": 1.0, "step": 9, "train_loss": 2.5, "rate": 0.03, "val_nll": 2.25}]


def test_values_come_from_networks_with_one_output(tmp_path: Path) -> None:
    given = network(num_labels=1)
    data = {"x_val": TOKENS["x_val"], "y_val": TOKENS["x_val"].mean(1) / 7}
    result = adopt(tmp_path / "pool", given, data=data, name="one")
    assert result[0].difference < 1e-6
    with torch.no_grad():
        expected = given(input_ids=torch.from_numpy(TOKENS["x_val"])).logits.numpy()
    found = members(tmp_path / "pool")["one"].predictions("val").dense(1)
    np.testing.assert_allclose(np.asarray(found).reshape(-1, 1), expected, rtol=1e-5)


def test_a_trial_of_ray_is_left_to_whom_it_belongs(tmp_path: Path) -> None:
    checkpoint(tmp_path / "sweep" / "trial" / "checkpoint-9", 0)
    assert is_of_trainer(tmp_path / "sweep")
    for name in ("params.json", "result.json"):
        (tmp_path / "sweep" / "trial" / name).write_text("{}")
    assert not is_of_trainer(tmp_path / "sweep")


def test_a_logged_loss_of_other_rows_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logs = [{"step": 9, "epoch": 1.0, "eval_loss": 7.5, "eval_runtime": 3}]
    checkpoint(tmp_path / "run" / "checkpoint-9", 0, log_history=logs)
    with caplog.at_level(logging.WARNING):
        adopt(tmp_path / "pool", tmp_path / "run")
    assert "its tool logged eval_loss 7.5" in caplog.text


def test_a_folder_of_a_stranger_runs_no_code_and_asks_no_hub(tmp_path: Path) -> None:
    folder, sign = tmp_path / "bert", tmp_path / "sign"
    network().save_pretrained(folder)
    (folder / "modeling_mine.py").write_text(f"open({str(sign)!r}, 'w')\n")
    settings = json.loads((folder / "config.json").read_text())
    settings["auto_map"] = {"AutoModelForSequenceClassification": "modeling_mine.Mine", "AutoConfig": "modeling_mine.C"}
    (folder / "config.json").write_text(json.dumps(settings))

    class Attack:
        def __reduce__(self) -> Any:
            return open, (str(sign), "w")

    torch.save({"a": Attack()}, folder / "training_args.bin")
    assert adopt(tmp_path / "pool", folder)[0].difference < 1e-6
    (folder / "model.safetensors").unlink()
    torch.save({"classifier.weight": Attack()}, folder / "pytorch_model.bin")
    with pytest.raises(AdoptError, match=r"pytorch_model\.bin holds .*open beside the weights"):
        adopt(tmp_path / "pool", folder)
    network().save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({**settings, "model_type": "mine"}))
    with pytest.raises(LREnsembleError, match="transformers has no classifier of type 'mine'"):
        adopt(tmp_path / "other", folder, kind="hf")
    assert not sign.exists()


def without(folder: Path, part: str) -> None:
    import safetensors.torch

    state = safetensors.torch.load_file(folder / "model.safetensors")
    kept = {key: each for key, each in state.items() if part not in key}
    safetensors.torch.save_file(kept, folder / "model.safetensors")


def test_what_cannot_be_adopted_is_one_clear_line(tmp_path: Path) -> None:
    network().save_pretrained(tmp_path / "bert")
    images = {"x_val": TOKENS["x_val"].reshape(-1, 1, 4, 4), "y_val": TOKENS["y_val"]}
    with pytest.raises(AdoptError, match=r"of type bert classifies sequences, and the pool's rows are of shape \(1, 4"):
        adopt(tmp_path / "images", tmp_path / "bert", data=images)
    with pytest.raises(AdoptError, match=r"bert does not take inputs of shape \(16,\): IndexError: index out of range"):
        adopt(tmp_path / "pool", tmp_path / "bert", data={**TOKENS, "x_val": TOKENS["x_val"] + 10})
    (tmp_path / "empty").mkdir()
    with pytest.raises(AdoptError, match=r"empty holds no model of transformers; name one with config\.json"):
        adopt(tmp_path / "pool", tmp_path / "empty", kind="hf")
    network(num_labels=4).save_pretrained(tmp_path / "four")
    with pytest.raises(AdoptError, match="four gives 4 outputs, and the pool's task needs 10"):
        adopt(tmp_path / "pool", tmp_path / "four")
    without(tmp_path / "bert", "classifier")
    with pytest.raises(AdoptError, match=r"no whole BertForSequenceClassification: weights such as classifier\.bias"):
        adopt(tmp_path / "pool", tmp_path / "bert")
    (tmp_path / "bert" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(AdoptError, match=r"model\.safetensors is damaged"):
        adopt(tmp_path / "pool", tmp_path / "bert")
    (tmp_path / "bert" / "model.safetensors").unlink()
    (tmp_path / "bert" / "adapter_config.json").write_text("{}")
    with pytest.raises(AdoptError, match="bert holds an adapter alone, and no network; merge it"):
        adopt(tmp_path / "pool", tmp_path / "bert")
    base = network().bert
    with pytest.raises(AdoptError, match="BertModel, and of these rows BertForSequenceClassification can be built"):
        adopt(tmp_path / "pool", base)
    assert len(lrensemble.Pool.open(tmp_path / "pool").members()) == 0


def test_without_transformers_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lrensemble.adopt.hf import Keep

    network().save_pretrained(tmp_path / "bert")
    monkeypatch.setitem(sys.modules, "transformers", None)
    message = r"need transformers 5, which cannot be used here .*; pip install 'lrensemble\[transformers\]'"
    with pytest.raises(MissingExtraError, match=message):
        Keep(tmp_path / "pool")
    with pytest.raises(MissingExtraError, match=message):
        adopt(tmp_path / "pool", tmp_path / "bert")


def test_a_team_exports_as_one_graph(tmp_path: Path) -> None:
    """The exporter compares it with torch, in ONNX Runtime."""
    adopt(tmp_path / "pool", {"a": network(0), "b": network(1)})
    lrensemble.select(tmp_path / "pool", "top_k(k=2)")
    lrensemble.export(tmp_path / "pool", tmp_path / "team.onnx", format="onnx", method="top_k(k=2)")
    assert (tmp_path / "team.onnx").stat().st_size > 0


class Pooled(nn.Module):
    """A network of one's own, as a Trainer takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(20, 6), nn.Linear(6, 10)

    def forward(self, input_ids: Any, labels: Any = None) -> Any:
        logits = self.head(self.embedding(input_ids.long()).mean(1))
        return logits if labels is None else (nn.functional.cross_entropy(logits, labels), logits)


def trainer(tmp_path: Path, keep: Any, name: str, **keywords: Any) -> Any:
    pytest.importorskip("accelerate")
    data = samples(TOKENS["x_val"], TOKENS["y_val"])
    given = {"args": arguments(str(tmp_path / name), num_train_epochs=1), "callbacks": [keep], "model": bert()}
    return quiet_trainer()(train_dataset=data, eval_dataset=data, **{**given, **keywords})


@pytest.mark.filterwarnings("ignore")
def test_runs_of_a_trainer_become_an_ensemble(tmp_path: Path) -> None:
    from lrensemble.adopt.hf import Keep

    keep = Keep(tmp_path / "pool", data=TOKENS, weights="last", facts={"study": 7})
    given = [trainer(tmp_path, keep, name, model=network(seed)) for seed, name in enumerate(("a", "b"))]
    for each in given:
        each.train()
    assert [member.name for member in keep.members] == ["a", "b"]
    assert all(member.difference is not None and member.difference < 1e-6 for member in keep.members)
    assert not any(member.logged for member in keep.members)
    facts = dict(members(tmp_path / "pool")["a"].facts)
    assert {"weights": "the last", "learning_rate": 0.01, "study": 7, "schedule": "linear"}.items() <= facts.items()
    assert members(tmp_path / "pool")["a"].network.model.arguments["mask"] is False  # as the rows had no mask
    lrensemble.select(tmp_path / "pool", "top_k(k=2)")
    lrensemble.export(tmp_path / "pool", tmp_path / "team", method="top_k(k=2)")
    again = adopt(tmp_path / "again", given[0], mask=False)
    assert [member.name for member in again] == ["BertForSequenceClassification"]
    assert again[0].scores == keep.members[0].scores
    own = np.mean([probs(each.model.eval(), TOKENS["x_test"]) for each in given], axis=0)
    found = Ensemble.load(tmp_path / "team").predict_proba(TOKENS["x_test"])
    np.testing.assert_allclose(found, own, rtol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_the_best_checkpoint_is_kept_and_not_the_last(tmp_path: Path) -> None:
    from transformers import TrainerCallback

    from lrensemble.adopt.hf import Keep

    class Worse(TrainerCallback):
        """It spoils the network after the first epoch."""

        def on_epoch_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:  # noqa: ARG002
            if state.epoch and state.epoch >= 1:
                model.classifier.bias.data[0] = 50.0

    keep = Keep(tmp_path / "pool", data=TOKENS)
    best = {"metric_for_best_model": "eval_loss", "greater_is_better": False, "load_best_model_at_end": False}
    given = trainer(tmp_path, keep, "run", args=arguments(str(tmp_path / "run"), **best))
    given.add_callback(Worse())
    given.train()
    (member,) = keep.members
    facts = dict(members(tmp_path / "pool")["run"].facts)
    assert facts["weights"] == "checkpoint-2, the best by the Trainer's metric"
    assert facts["step"] == 2
    assert not member.logged
    assert member.scores["nll"] < 10


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_ones_own_needs_its_builder_and_is_refused_before_it_is_trained(tmp_path: Path) -> None:
    from lrensemble.adopt.hf import Keep

    kept = Keep(tmp_path / "pool", data=TOKENS, builder=Pooled)
    trainer(tmp_path, kept, "own", model=Pooled()).train()
    assert [member.name for member in kept.members] == ["own"]
    result = adopt(tmp_path / "pool", tmp_path / "own", builder=Pooled)
    assert [member.new for member in result] == [False]  # the same network is the same member
    refused = Keep(tmp_path / "other", data={**TOKENS, "x_val": TOKENS["x_val"] + 10})
    given = trainer(tmp_path, refused, "refused")
    with pytest.raises(AdoptError, match="does not take inputs of shape"):
        given.train()
    assert given.state.global_step == 0
