"""Samples of generated text: who writes what after which prompts, and when they are written anew."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.language.adapter_pools import adapter_pool, own_base
from tests.report.language.pools import token_pool
from tests.report.pages import HOSTILE

import lrensemble
from lrensemble.config import Recipe, to_record
from lrensemble.errors import ReportError
from lrensemble.evaluate import Result, choose, evaluate, load, save
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.front.samples import sample_texts
from lrensemble.language.base import load_base
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.tokens import token_likelihoods
from lrensemble.pool import Pool
from lrensemble.report import write_report
from lrensemble.report.language.cost import cost
from lrensemble.report.language.losses import losses
from lrensemble.report.language.samples import Samples, samples, samples_path, shown, write_samples
from lrensemble.report.report_data import ReportData
from lrensemble.train.run.reading import read_of_recipe

peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks

TOKENS = 6


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    home = tmp_path_factory.mktemp("samples") / "with a space"
    found = adapter_pool(home / "pool", own_base(home))
    save(found, choose(found, "all", folds=0))
    return Pool.open(found.folder, trust_code=True)


@pytest.fixture(scope="module")
def result(pool: Pool) -> Result:
    """An evaluation that judges the team, whether it is better or not."""
    found = evaluate(pool, load(pool))
    return found.model_copy(update={"verdict": found.verdict.model_copy(update={"method": "all"})})


@pytest.fixture(scope="module")
def written(pool: Pool, result: Result) -> Samples:
    return sample_texts(pool, result, pool.folder / "report.html", 3, max_tokens=TOKENS)


def slow(model: Any, tokenizer: Any, prompt: str) -> str:
    """The likeliest token after token, each time from the beginning."""
    ids = [tokenizer.bos_token_id, *tokenizer(prompt, add_special_tokens=False)["input_ids"]]
    begin = len(ids)
    with torch.inference_mode():
        for _ in range(TOKENS):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == tokenizer.eos_token_id:
                break
    return str(tokenizer.decode(ids[begin:], skip_special_tokens=True, clean_up_tokenization_spaces=False))


def test_prompts_are_of_test_rows_and_each_writes_for_itself(pool: Pool, result: Result, written: Samples) -> None:
    base = pool.task.base
    assert base is not None
    report = ReportData(pool, result)
    dataset = read_of_recipe(to_record(Recipe, report.best.recipe, "recipe"), None, trust_code=True)
    assert isinstance(dataset, SequenceDataset)
    loaded, test = load_base(base), dataset.sequences["test"]
    single = peft.PeftModel.from_pretrained(load_base(base).model, report.best.folder).eval()
    members = {member.name: member.folder for member in pool.members()}
    team = LanguageEnsemble.from_adapters(base, members, (1 / len(members),) * len(members))
    assert len(written.samples) == 3
    for place, sample in zip((0, 2, 4), written.samples, strict=True):
        first = int(test.answer[place].argmax())
        assert sample.prompt == loaded.tokenizer.decode(test.ids[place, 1:first])
        assert sample.answer == loaded.tokenizer.decode(test.ids[place, first : test.lengths[place]])
        assert sample.texts["base alone"] == slow(loaded.model, loaded.tokenizer, sample.prompt)
        assert sample.texts["best single"] == slow(single, loaded.tokenizer, sample.prompt)
        assert sample.texts["team"] == team.generate(sample.prompt, Decoding(max_tokens=TOKENS)).text
    said = token_likelihoods(loaded.model, dataset.sequences["val"])
    assert written.base_loss == pytest.approx(-float(said.main.mean(dtype=float)))
    assert written.consensus == "token_probabilities"
    assert set(written.tokens_per_second) == {"base alone", "best single", "team"}


def test_they_stand_on_the_page_and_what_was_measured_in_its_tables(
    pool: Pool, result: Result, written: Samples
) -> None:
    report = ReportData(pool, result, page=pool.folder / "report.html")
    section, table, rates = samples(report), cost(report), losses(report)
    assert rates is not None
    assert rates.tables[0].rows[-1][3] == f"{written.base_loss:.4f}"
    assert section is not None
    assert table is not None
    assert [card.heading for card in section.cards] == ["Prompt 1", "Prompt 2", "Prompt 3"]
    assert [name for name, _ in section.cards[0].texts][2:] == ["base alone", "best single", "team"]
    assert [row[-1] != "–" for row in table.tables[0].rows] == [True] * 4
    assert [row[-1] for row in table.tables[0].rows][-1] == ""
    assert samples(ReportData(pool, result, page=pool.folder / "other.html")) is None


def test_the_same_again_is_not_written_anew(pool: Pool, result: Result, written: Samples) -> None:
    page = pool.folder / "report.html"
    before = samples_path(page).stat().st_mtime_ns
    assert sample_texts(pool, result, page, 3, max_tokens=TOKENS) == written
    assert samples_path(page).stat().st_mtime_ns == before


def test_those_of_another_team_are_not_shown(pool: Pool, result: Result, written: Samples, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_samples(written.model_copy(update={"weights": (0.5, 0.25, 0.25)}), page)
    section = samples(ReportData(pool, result, page=page))
    assert section is not None
    assert section.cards == ()
    assert "were written by another team than the one that is judged here" in section.prose[0]
    samples_path(page).write_text("{")
    section = samples(ReportData(pool, result, page=page))
    assert section is not None
    assert section.prose[0].startswith("The samples of generated text cannot be shown: ")


def test_what_cannot_be_seen_is_written_out() -> None:
    assert shown("\na\tb\n\nc\n") == "a\tb\n\nc"
    assert shown("a" + "\n" * 64 + "b") == "a ⏎ × 64 b"
    assert shown("\n\n\n") == "(3 line ends and nothing else)"
    assert shown("a\x1b[2J\u202eb") == "a\\x1b[2J\\u202eb"


def test_nothing_of_a_text_is_markup(pool: Pool, result: Result, written: Samples, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    hostile = tuple(each.model_copy(update={"texts": {"team": HOSTILE}}) for each in written.samples)
    write_samples(written.model_copy(update={"samples": hostile}), page)
    write_report(pool, result, page)
    content = page.read_text(encoding="utf-8")
    assert HOSTILE not in content
    assert "&lt;img src=x onerror=alert(1)&gt;" in content


def test_who_cannot_write_says_so(pool: Pool, result: Result, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="samples = 0 is refused; give 1 to 100 prompts"):
        sample_texts(pool, result, tmp_path / "page.html", 0)
    others = lrensemble.tune(
        {"data": "digits", "model": "mlp(width=4)", "policy": "constant(peak=0.1)"}, tmp_path, epochs=1
    )
    save(others, choose(others, "best", folds=0))
    with pytest.raises(ReportError, match="is no adapter of a language model; leave samples out"):
        lrensemble.report(others, samples=2)
    with pytest.raises(ReportError, match="samples of text are of one pool; leave samples out"):
        lrensemble.report([pool, others], tmp_path / "page.html", samples=2)
    assert not list(tmp_path.glob("*.html"))


def test_a_pool_whose_texts_nobody_knows(tmp_path: Path) -> None:
    own = token_pool(tmp_path / "pool")
    with pytest.raises(lrensemble.LREnsembleError, match="recipe"):
        sample_texts(own, evaluate(own, load(own)), tmp_path / "page.html", 2)
