"""The model card of a team of adapters says what it is, names no path, and is one that the hub reads."""

from pathlib import Path

import pytest

from lrensemble.config import Base
from lrensemble.evaluate.result import Gain, Scores
from lrensemble.export.language.bundle import write_language_bundle
from lrensemble.export.language.card import card_of
from lrensemble.export.language.description import LanguageDescription
from lrensemble.export.origin import Judgement, Origin

FOLDER = Base(path="/home/somebody/private/tiny", weights_sha256="ab" * 32)
HUB = Base(path="owner/tiny", revision="c0ffee", weights_sha256="cd" * 32)


def description_of(base: Base, origin: Origin | None = None) -> LanguageDescription:
    return LanguageDescription(
        base=base,
        names=("first | one", "second"),
        weights=(0.75, 0.25),
        consensus="token_probabilities",
        method="greedy",
        origin=origin,
    )


def judged() -> Origin:
    scores = Scores(nll=1.25, others={"perplexity": None})
    gain = {"nll": Gain(value=0.5, low=0.25, high=0.75, p_value=0.01, rows=70)}
    judgement = Judgement(
        rows={"val": 30, "test": 70}, val=scores, test=scores, over="second", gain=gain, verdict="Better.", looks=2
    )
    known = {"task": "alpaca", "digest": "ef" * 32, "members": 9, "metric": "nll", "score": -1.25, "version": "9.9.9"}
    return Origin.model_validate({**known, "judgement": judgement})


def test_what_it_says() -> None:
    card = card_of(description_of(HUB, judged()))
    for said in (
        "# alpaca",
        "2 LoRA adapters of one base",
        "`owner/tiny` at `c0ffee`",
        "| `first ¦ one` | 0.75 | `adapters/00` |",
        "| `nll`, lower is better | 1.2500 | 1.2500 | +0.5000 (+0.2500 to +0.7500, p = 0.01) |",
        "Verdict on the pool: Better.",
        "Test rows were looked at 2 times.",
        "lrensemble 9.9.9",
    ):
        assert said in card
    assert "perplexity" not in card


def test_a_base_in_a_folder_is_named_without_its_path(tmp_path: Path) -> None:
    write_language_bundle(tmp_path / "team", description_of(FOLDER), [])
    card = (tmp_path / "team" / "README.md").read_text()
    assert "Base: `tiny`" in card
    assert "somebody" not in card
    assert "Not measured on test rows" in card


def test_the_hub_reads_it(tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    for base, named in ((HUB, "owner/tiny"), (FOLDER, None)):
        (tmp_path / "README.md").write_text(card_of(description_of(base, judged())))
        data = hub.ModelCard.load(tmp_path / "README.md").data
        assert (data.library_name, data.pipeline_tag, data.base_model) == ("peft", "text-generation", named)
