"""Lightning: a callback that keeps runs, and checkpoints and folders that are read without it."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adopt.given.digits import build, rows, trained

import lrensemble
from lrensemble.adopt.lightning.checkpoints import checkpoints_in, is_checkpoint
from lrensemble.errors import AdoptError, LREnsembleError, MissingExtraError
from lrensemble.export import Ensemble

FEW = {key: each[:50] for key, each in rows().items()}


def save(path: Path, seed: int, prefix: str = "net.", **beside: Any) -> Path:
    """A checkpoint in Lightning's layout."""
    state = {f"{prefix}{name}": each for name, each in trained(seed, epochs=1).state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "epoch": 1,
        "global_step": 20 + seed,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": state,
        **beside,
    }
    torch.save(content, path)
    return path


def watched(best: Path, score: float) -> dict[str, Any]:
    """State of what writes checkpoints."""
    return {
        "ModelCheckpoint{}": {"monitor": "val_loss", "best_model_path": f"/a/b/{best.name}", "best_model_score": score}
    }


def adopt(pool: Path, given: Any, **keywords: Any) -> Any:
    return lrensemble.adopt(pool, given, data=FEW, **{"builder": build, "std": 16, **keywords})


def facts_of(pool: Path) -> dict[str, dict[str, Any]]:
    return {member.name: dict(member.facts) for member in lrensemble.Pool.open(pool).members()}


def expected(seed: int) -> Any:
    network = trained(seed, epochs=1)
    with torch.no_grad():
        return network(torch.tensor(FEW["x_test"], dtype=torch.float32) / 16).softmax(1).numpy()


@pytest.mark.parametrize("prefix", ["net.", "", "model.backbone."])
def test_a_checkpoint_gives_the_network_and_its_hyper_parameters(tmp_path: Path, prefix: str) -> None:
    path = save(tmp_path / "a.ckpt", 1, prefix, hyper_parameters={"lr": 0.3, "width": 16})
    result = adopt(tmp_path / "pool", path)
    assert [member.name for member in result] == ["a"]
    facts = facts_of(tmp_path / "pool")["a"]
    assert facts == {"lr": 0.3, "width": 16, "epoch": 1, "step": 21, "weights": "a.ckpt"}
    said = lrensemble.Pool.open(tmp_path / "pool").members()[0].predictions("test").dense(10)
    np.testing.assert_allclose(np.exp(said), expected(1), rtol=1e-5, atol=1e-7)


def test_other_weights_of_the_module_are_left_out(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ckpt", 1)
    content = torch.load(path, weights_only=True)
    content["state_dict"]["loss.weight"] = torch.ones(10)
    torch.save(content, path)
    assert len(adopt(tmp_path / "pool", path)) == 1
    with pytest.raises(AdoptError, match=r"no weights that begin with 'm\.'; they begin with net\., loss\."):
        adopt(tmp_path / "pool", path, prefix="m.")


def test_a_sweep_gives_the_best_of_every_run_or_the_last_or_all(tmp_path: Path) -> None:
    logs = tmp_path / "lightning_logs"
    for version, best in (("version_2", 1), ("version_10", 2)):
        folder = logs / version / "checkpoints"
        names = [folder / "epoch=0.ckpt", folder / "epoch=1.ckpt", folder / "last.ckpt"]
        for seed, path in enumerate(names):
            save(path, min(seed, 1), callbacks=watched(names[best - 1], 2.0))
        (logs / version / "hparams.yaml").write_text("lr: 0.1\npath: !!python/object/apply:os.system [echo]\n")
    assert is_checkpoint(logs / "version_2" / "checkpoints" / "last.ckpt")

    def taken(which: Any) -> list[tuple[str, str]]:
        return [(each.name, each.taken) for each in checkpoints_in(logs, which)]

    why = "the best by the watched metric"
    assert taken("best") == [("version_2", f"epoch=0.ckpt, {why}"), ("version_10", f"epoch=1.ckpt, {why}")]
    assert taken("last") == [("version_2", "last.ckpt, the last"), ("version_10", "last.ckpt, the last")]
    assert [name for name, _ in taken("all")][:2] == ["version_2/epoch=0", "version_2/epoch=1"]
    assert [name for name, _ in taken("all")][3:4] == ["version_10/epoch=0"]
    result = adopt(tmp_path / "pool", f"lightning:{logs}")
    assert [member.name for member in result] == ["version_2", "version_10"]
    assert facts_of(tmp_path / "pool")["version_2"]["lr"] == 0.1


def test_a_logged_metric_of_other_rows_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    best = tmp_path / "a.ckpt"
    save(best, 1, callbacks=watched(best, 9.5))
    with caplog.at_level(logging.WARNING):
        result = adopt(tmp_path / "pool", best)
    assert "its tool logged val_loss 9.5" in caplog.text
    assert result[0].logged["val_loss"][0] == 9.5


def test_metrics_become_history(tmp_path: Path) -> None:
    save(tmp_path / "run" / "checkpoints" / "a.ckpt", 1)
    lines = [
        "epoch,lr-SGD,step,train_loss,val_loss",
        ",0.3,0,,",
        "0,,9,2.5,",
        "0,,9,,2.25",
        ",0.1,10,,",
        "1,,20,1.5,1.25",
    ]
    (tmp_path / "run" / "metrics.csv").write_text("\n".join(lines))
    (found,) = checkpoints_in(tmp_path / "run", "best")
    assert list(found.history) == [
        {"epoch": 1, "rate": 0.3, "step": 9.0, "train_loss": 2.5, "val_loss": 2.25},
        {"epoch": 2, "rate": 0.1, "step": 20.0, "train_loss": 1.5, "val_loss": 1.25},
    ]
    assert found.logged == {"val_loss": 1.25}


def test_what_cannot_be_adopted_is_one_clear_line(tmp_path: Path) -> None:
    good = save(tmp_path / "a.ckpt", 1)
    with pytest.raises(AdoptError, match="a is of Lightning, whose module is built by your code: give builder="):
        adopt(tmp_path / "pool", good, builder=None)
    held = save(tmp_path / "b.ckpt", 1, hyper_parameters=argparse.Namespace(lr=1))
    with pytest.raises(AdoptError, match=r"b\.ckpt holds argparse\.Namespace beside the weights"):
        adopt(tmp_path / "pool", held)
    with pytest.raises(AdoptError, match="the weights do not fit its model"):
        adopt(tmp_path / "pool", good, builder=lambda: torch.nn.Linear(64, 10))
    (tmp_path / "empty").mkdir()
    with pytest.raises(AdoptError, match=r"empty holds no checkpoint of Lightning; name FILE\.ckpt"):
        adopt(tmp_path / "pool", tmp_path / "empty", kind="lightning")
    assert len(lrensemble.Pool.open(tmp_path / "pool").members()) == 0


def test_a_callback_without_lightning_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from lrensemble.adopt.lightning import Keep

    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"needs PyTorch Lightning: pip install 'lrensemble\[lightning\]'"):
        Keep("pool")


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    pytest.importorskip("lightning", exc_type=ImportError)
    from tests.adopt.given.pytorch_lightning import made

    monkeypatch.chdir(tmp_path)
    return made()


def test_runs_of_lightning_become_an_ensemble(tmp_path: Path, given: dict[str, Any]) -> None:
    from lrensemble.adopt.lightning import Keep

    keep = Keep("pool", data=rows(), builder=build, std=16, weights="last")
    modules = []
    for rate in (0.3, 1.0):
        modules.append(given["Net"](lr=rate))
        given["Trainer"](callbacks=[keep], enable_checkpointing=False).fit(
            modules[-1], given["loader"], given["val_loader"]
        )
    assert [member.name for member in keep.members] == ["lr=0.3", "lr=1.0"]
    assert all(member.difference is not None and member.difference < 1e-6 for member in keep.members)
    assert not any(member.logged for member in keep.members)
    assert facts_of(tmp_path / "pool")["lr=1.0"]["weights"] == "the last"
    lrensemble.select("pool", "top_k(k=2)")
    lrensemble.export("pool", "team", method="top_k(k=2)")
    x = rows()["x_test"]
    with torch.no_grad():
        own = [module.eval()(torch.tensor(x, dtype=torch.float32) / 16).softmax(1) for module in modules]
    found = Ensemble.load("team").predict_proba(x)
    np.testing.assert_allclose(np.asarray(found), torch.stack(own).mean(0).numpy(), rtol=1e-5, atol=1e-7)


def test_the_best_checkpoint_is_kept_and_not_the_last(tmp_path: Path, given: dict[str, Any]) -> None:
    from lrensemble.adopt.lightning import Keep

    class Worse(given["Net"]):  # type: ignore[misc,name-defined,valid-type]
        """It forgets all it has learned, at the end."""

        def on_train_batch_end(self, *_given: Any) -> None:
            if self.current_epoch == 2:
                self.net[2].weight.data.zero_()

    torch.manual_seed(0)
    keep = Keep("pool", data=rows(), builder=build, std=16)
    given["Trainer"](callbacks=[keep, given["checkpoints"](1.0)]).fit(
        Worse(lr=1.0), given["loader"], given["val_loader"]
    )
    (member,) = keep.members
    assert member.scores["accuracy"] > 0.3  # zeros know one class
    assert not member.logged
    assert "the best by the watched metric" in facts_of(tmp_path / "pool")[member.name]["weights"]
    assert facts_of(tmp_path / "pool")[member.name]["step"] < 30


def test_a_network_that_could_not_be_kept_is_refused_before_it_is_trained(given: dict[str, Any]) -> None:
    from lrensemble.adopt.lightning import Keep

    module = given["Net"](lr=1.0)
    before = {key: each.clone() for key, each in module.state_dict().items()}
    keep = Keep("pool", data=rows(), builder=lambda: torch.nn.Linear(64, 9))
    with pytest.raises(LREnsembleError):
        given["Trainer"](callbacks=[keep]).fit(module, given["loader"])
    assert all(torch.equal(before[key], each) for key, each in module.state_dict().items())


def test_a_callback_goes_to_other_processes(given: dict[str, Any]) -> None:
    import copy

    from lightning.pytorch import Callback

    from lrensemble.adopt.lightning import Keep

    keep = Keep("pool", data=rows(), builder=build, weights="last", prefix="net.")
    other = copy.copy(keep)  # by the way of pickle
    assert isinstance(other, Keep)
    assert isinstance(other, Callback)
    assert (other.weights, other.prefix, other.keeper.said.keys()) == ("last", "net.", keep.keeper.said.keys())
    assert given["Net"] is not None
