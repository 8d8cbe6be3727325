"""Teams of adapters against the slow definition: every member a model of its own, without batches or caches."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.export.language.adapters import peft_models, slow_log_probs, write_adapter
from tests.export.language.conftest import WEIGHTS, Team
from tests.language.models import BEGIN, END, tiny_base

from lrensemble.errors import ExportError, SpecError
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.export.language.consensus import NAMES
from lrensemble.export.language.members import Members

PROMPTS = ("the cat sat", "name three animals.")
OF_TOKENS = ("token_probabilities", "token_logits", "sequence_likelihoods")


def slow_next(consensus: str, alone: list[Any], prompt: list[int], written: list[int]) -> torch.Tensor:
    """Probabilities [token] of the next token, by the definition."""
    said = slow_log_probs(alone, prompt + written)
    probs, weights = said[:, -1].exp(), torch.tensor(WEIGHTS, dtype=torch.float64)
    if consensus == "token_logits":
        powers = torch.stack([own**weight for own, weight in zip(probs, weights, strict=True)]).prod(0)
        return powers / powers.sum()
    if consensus == "sequence_likelihoods":
        of_written = [
            math.prod(float(own[len(prompt) - 1 + place, token].exp()) for place, token in enumerate(written))
            for own in said
        ]
        weights = weights * torch.tensor(of_written, dtype=torch.float64)
        weights = weights / weights.sum()
    return torch.stack([weight * own for weight, own in zip(weights, probs, strict=True)]).sum(0)


def slow_choice(probs: torch.Tensor, temperature: float, top_p: float, draw: float) -> int:
    if temperature == 0:
        return int(probs.argmax())
    scaled = (probs ** (1 / temperature)).tolist()
    order = sorted(range(len(scaled)), key=lambda token: -scaled[token])
    kept, total = list[int](), 0.0
    for token in order:
        if total >= top_p * sum(scaled) and kept:
            break
        kept.append(token)
        total += scaled[token]
    passed = 0.0
    for token in kept:
        passed += scaled[token] / total
        if passed > draw:
            return token
    return kept[-1]


def slow_tokens(consensus: str, alone: list[Any], prompt: list[int], place: int, decoding: Decoding) -> tuple[int, ...]:
    generator, written = np.random.default_rng((decoding.seed, place)), list[int]()
    while len(written) < decoding.max_tokens and written[-1:] != [END]:
        probs = slow_next(consensus, alone, prompt, written)
        written.append(slow_choice(probs, decoding.temperature, decoding.top_p, generator.random()))
    return tuple(written)


@pytest.mark.parametrize("consensus", OF_TOKENS)
@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(max_tokens=10),
        Decoding(max_tokens=10, temperature=1.0, seed=3),
        Decoding(max_tokens=10, temperature=0.7, top_p=0.8, seed=11),
    ],
    ids=["greedy", "sampled", "top-p"],
)
def test_texts_are_those_of_the_slow_definition_token_for_token(
    team: Team, alone: list[Any], consensus: str, decoding: Decoding
) -> None:
    """In one batch of prompts of unequal lengths, over one cache."""
    ensemble = team(consensus)
    tokens = [[BEGIN, *ensemble.tokenizer(prompt)["input_ids"]] for prompt in PROMPTS]
    slow = [slow_tokens(consensus, alone, own, place, decoding) for place, own in enumerate(tokens)]
    assert [each.tokens for each in ensemble.generate_all(PROMPTS, decoding)] == slow
    assert len({len(own) for own in tokens}) > 1


def test_ways_to_speak_as_one_differ(team: Team) -> None:
    decoding = Decoding(max_tokens=10, temperature=1.0)
    assert len({team(name).generate(PROMPTS[0], decoding).tokens for name in OF_TOKENS}) == len(OF_TOKENS)


@pytest.mark.parametrize("consensus", NAMES)
def test_likelihoods_are_those_of_the_slow_definition(team: Team, alone: list[Any], consensus: str) -> None:
    pairs = [("the cat", " sat on it"), ("name", " three animals and one"), ("", "in 1999"), ("a ", "b")]
    ensemble = team(consensus)
    found, members = ensemble.log_likelihoods(pairs, rows=3), ensemble.member_log_likelihoods(pairs, rows=2)
    assert found.shape == (4,)
    assert members.shape == (3, 4)
    tokenizer = ensemble.tokenizer
    for place, (before, after) in enumerate(pairs):
        context = [BEGIN, *tokenizer(before.rstrip())["input_ids"]]
        answer = tokenizer(before + after)["input_ids"][len(context) - 1 :]
        said = slow_log_probs(alone, context + answer)
        own = [sum(float(each[len(context) - 1 + at, token]) for at, token in enumerate(answer)) for each in said]
        assert members[:, place] == pytest.approx(own, abs=1e-5)
        if consensus == "sequence_likelihoods":
            wanted = math.log(sum(weight * math.exp(each) for weight, each in zip(WEIGHTS, own, strict=True)))
        else:
            way = "token_probabilities" if consensus == "answer_probabilities" else consensus
            wanted = sum(
                math.log(float(slow_next(way, alone, context, answer[:at])[token])) for at, token in enumerate(answer)
            )
        assert found[place] == pytest.approx(wanted, abs=1e-5)


def test_one_batch_of_all_members_is_a_loop_over_them_to_the_bit(team: Team, alone: list[Any]) -> None:
    """Where both go through the layers of `peft`."""
    ensemble = team("token_probabilities")
    ids = torch.randint(4, 60, (2, 17), generator=torch.Generator().manual_seed(0))
    members = Members(ensemble.model, ensemble.members.keys, ensemble.context, "mixed batch")
    mixed = members.log_probs(ids, torch.ones_like(ids))
    loop = torch.cat([members.alone(place).log_probs(ids, torch.ones_like(ids)) for place in range(3)])
    assert mixed.shape == (3, 2, 17, ensemble.model.config.vocab_size)
    assert torch.equal(mixed, loop)
    assert torch.allclose(mixed[1, 1].double(), slow_log_probs(alone, ids[1].tolist())[1], atol=1e-5)


def test_members_that_cannot_be_mixed_run_one_after_another(base: Path, folders: dict[str, Path]) -> None:
    dora = write_adapter(base.parent / "dora", base, 7, use_dora=True)
    chosen = {"low": folders["low"], "dora": dora}
    ensemble = LanguageEnsemble.from_adapters(base, chosen)
    assert ensemble.members.batching == "loop"
    models = peft_models(base, list(chosen.values()))
    prompt = [BEGIN, *ensemble.tokenizer(PROMPTS[0])["input_ids"]]
    written = list[int]()
    while len(written) < 12 and written[-1:] != [END]:
        written.append(int(slow_log_probs(models, prompt + written)[:, -1].exp().mean(0).argmax()))
    assert list(ensemble.generate(PROMPTS[0], Decoding(max_tokens=12)).tokens) == written


def test_greedy_says_whether_the_answer_is_what_the_team_would_write(team: Team) -> None:
    from lrensemble.language.sequences import Sequences

    ensemble = team("token_probabilities")
    prompt = [BEGIN, *ensemble.tokenizer(PROMPTS[0])["input_ids"]]
    written = ensemble.generate(PROMPTS[0], Decoding(max_tokens=5)).tokens
    ids = np.array([[*prompt, *written], [*prompt, *written[:4], (written[4] + 1) % 60]], dtype=np.int64)
    answer = np.zeros(ids.shape, dtype=np.bool_)
    answer[:, len(prompt) :] = True
    found = ensemble.score(Sequences(ids, np.full(2, ids.shape[1]), answer))
    assert found.greedy.tolist() == [True, False]
    assert (found.log_probs[~answer] == 0).all()


def test_a_saved_team_is_the_same_and_peft_reads_its_members(team: Team, base: Path, tmp_path: Path) -> None:
    ensemble = team("sequence_likelihoods")
    ensemble.save(tmp_path / "team")
    loaded = LanguageEnsemble.load(tmp_path / "team")
    assert loaded.description == ensemble.description
    pairs = [("the cat", " sat"), ("in", " 1999")]
    assert loaded.log_likelihoods(pairs).tolist() == ensemble.log_likelihoods(pairs).tolist()
    models = peft_models(base, [tmp_path / "team" / "adapters" / f"{place:02d}" for place in range(3)])
    ids = [BEGIN, 20, 21, 22]
    said = ensemble.members.log_probs(torch.tensor([ids]), torch.ones(1, 4, dtype=torch.long))[:, 0]
    assert torch.allclose(slow_log_probs(models, ids).float(), said, atol=1e-5)
    with pytest.raises(ExportError, match="is there already"):
        ensemble.save(tmp_path / "team")


def test_a_moved_base_is_named_and_proven(team: Team, tmp_path: Path) -> None:
    team("token_logits").save(tmp_path / "team")
    moved, other = tiny_base(tmp_path / "moved"), tiny_base(tmp_path / "other", seed=9)
    assert LanguageEnsemble.load(tmp_path / "team", base=moved).description.base.path == str(moved)
    with pytest.raises(SpecError, match="holds other weights"):
        LanguageEnsemble.load(tmp_path / "team", base=other)


def test_a_changed_file_is_found(team: Team, tmp_path: Path) -> None:
    team("token_logits").save(tmp_path / "team")
    path = tmp_path / "team" / "adapters" / "01" / "adapter_model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ExportError, match="damaged"):
        LanguageEnsemble.load(tmp_path / "team")


def test_texts_come_in_pieces_and_end_before_a_stop_text(team: Team) -> None:
    ensemble = team("token_probabilities")
    whole = ensemble.generate(PROMPTS[0], Decoding(max_tokens=30)).text
    stop = whole[7:10]
    place = whole.index(stop)
    decoding = Decoding(max_tokens=30, stop=(stop,))
    written = ensemble.generate(PROMPTS[0], decoding)
    assert (written.text, written.ended) == (whole[:place], "stop")
    pieces = list(ensemble.stream(PROMPTS[0], decoding))
    assert "".join(pieces) == written.text
    assert len(pieces) > 1


def test_writing_ends_where_the_model_can_look_no_further(team: Team) -> None:
    ensemble = team("token_probabilities")
    long = "a b c " * 20
    written = ensemble.generate_all([long, "a"], Decoding(max_tokens=1000, temperature=1.0))
    room = 128 - (1 + len(ensemble.tokenizer(long)["input_ids"])) + 1
    assert all(each.ended in ("context", "end") for each in written)
    assert len(written[0].tokens) <= room
    with pytest.raises(ExportError, match="too long for a model that looks at 128"):
        ensemble.generate("a b c " * 40)


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_refused(team: Team, prompt: str) -> None:
    with pytest.raises(ExportError, match="the prompt is empty"):
        team("token_logits").generate(prompt)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 0}, "max_tokens = 0 must be at least 1"),
        ({"temperature": -1.0}, "temperature = -1.0 must be 0"),
        ({"temperature": math.nan}, "temperature = nan must be 0"),
        ({"top_p": 0.0}, "top_p = 0.0 must be above 0"),
        ({"stop": ("a", "")}, "a stop text is empty"),
        ({"seed": -1}, "seed = -1 must not be negative"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        Decoding(**options)


def test_bad_teams_are_refused_in_one_line(base: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    make = LanguageEnsemble.from_adapters
    other = tiny_base(tmp_path / "other", seed=9)
    with pytest.raises(ExportError, match=r"weights \[1, 0, 1\] do not fit 3 adapters; give one above 0 for each"):
        make(base, folders, [1, 0, 1])
    with pytest.raises(ExportError, match="no adapters are given"):
        make(base, {})
    with pytest.raises(ExportError, match="no consensus of language models named 'mean'; give one of answer_prob"):
        make(base, folders, consensus="mean")
    with pytest.raises(ExportError, match="whose weights are not those of"):
        make(other, folders)
    with pytest.raises(ExportError, match=r"holds no adapter_config\.json"):
        make(base, {"a": base})
    with pytest.raises(ExportError, match="no member 'x'; there are low, mid, high"):
        make(base, folders).alone("x")
    with pytest.raises(ExportError, match="no ensemble of language models at"):
        LanguageEnsemble.load(base)
