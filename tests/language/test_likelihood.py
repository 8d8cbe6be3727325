"""Log-probabilities of answer tokens: against one sequence at a time, and against the library's own loss."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.language.models import PAD, VOCABULARY, tiny_model
from torch import nn

from lrensemble.errors import PredictionsError
from lrensemble.language.likelihood import token_log_probs
from lrensemble.language.sequences import Sequences, padded

pytest.importorskip("transformers")


def some(count: int = 7, seed: int = 3) -> Sequences:
    """Sequences of 4 to 10 tokens, whose answers are 1 to 3 tokens long and stand anywhere behind the first."""
    random = np.random.default_rng(seed)
    lengths = random.integers(4, 11, count)
    tokens = [random.integers(4, VOCABULARY, length).tolist() for length in lengths]
    starts = [int(random.integers(1, length - 2)) for length in lengths]
    answers = [
        [start <= place < start + 1 + row % 3 for place in range(len(tokens[row]))] for row, start in enumerate(starts)
    ]
    return padded(tokens, answers, PAD)


def one_by_one(model: Any, sequences: Sequences) -> NDArray[np.float64]:
    """The definition: softmax of the logits after all that stands before a token, without padding or batches."""
    found = np.zeros(sequences.ids.shape)
    for row, position in zip(*np.nonzero(sequences.answer), strict=True):
        before = torch.from_numpy(sequences.ids[row, :position])[None]
        with torch.no_grad():
            probs = torch.softmax(model(before).logits[0, -1].double(), dim=0)
        found[row, position] = float(probs[int(sequences.ids[row, position])].log())
    return found


@pytest.mark.parametrize("rows", [1, 3, 16])
def test_equal_to_the_definition(rows: int) -> None:
    sequences, model = some(), tiny_model(1)
    found = token_log_probs(model, sequences, rows)
    assert found.shape == sequences.ids.shape
    assert found.dtype == np.float32
    assert found == pytest.approx(one_by_one(model, sequences), abs=1e-5)
    assert (found[~sequences.answer] == 0).all()
    assert (found[sequences.answer] < 0).all()


def test_the_mean_is_the_loss_of_the_library() -> None:
    sequences, model = some(5), tiny_model(2, dtype=torch.float64)
    labels = torch.from_numpy(np.where(sequences.answer, sequences.ids, -100))
    mask = torch.from_numpy((np.arange(sequences.ids.shape[1]) < sequences.lengths[:, None]).astype(np.int64))
    with torch.no_grad():
        loss = float(model(input_ids=torch.from_numpy(sequences.ids), attention_mask=mask, labels=labels).loss)
    assert -token_log_probs(model, sequences)[sequences.answer].mean(dtype=float) == pytest.approx(loss, abs=1e-6)


def test_the_same_call_gives_the_same_bits() -> None:
    sequences, model = some(9), tiny_model(1)
    assert np.array_equal(token_log_probs(model, sequences), token_log_probs(model, sequences))


class Counting(nn.Module):
    """A model that counts what it is given, and knows of no positions to keep."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.inputs = model, list[tuple[int, int]]()

    def forward(self, input_ids: Any, attention_mask: Any, use_cache: bool) -> Any:
        self.inputs.append(tuple(input_ids.shape))
        return self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=use_cache)


def test_sequences_that_differ_in_their_last_token_alone_are_computed_once() -> None:
    asked = [[5, 6, 7, letter] for letter in (10, 11, 12)] + [[5, 6, 8, 10], [5, 6, 7, 10, 9]]
    sequences = padded(asked, [[False] * (len(each) - 1) + [True] for each in asked], PAD)
    model = Counting(tiny_model(1))
    found = token_log_probs(model, sequences, rows=2)
    assert model.inputs == [(2, 4), (1, 3)]
    assert found == pytest.approx(one_by_one(tiny_model(1), sequences), abs=1e-5)


def test_answers_of_other_places_that_share_an_input() -> None:
    tokens = [[5, 6, 7, 10], [5, 6, 7, 11]]
    sequences = padded(tokens, [[False, True, False, True], [False, False, True, True]], PAD)
    assert token_log_probs(tiny_model(1), sequences) == pytest.approx(one_by_one(tiny_model(1), sequences), abs=1e-5)


def test_the_longest_come_first() -> None:
    model = Counting(tiny_model(1))
    token_log_probs(model, some(8), rows=1)
    widths = [width for _, width in model.inputs]
    assert widths == sorted(widths, reverse=True)


def test_sequences_without_an_answer_cost_nothing() -> None:
    model = Counting(tiny_model(1))
    sequences = padded([[5, 6], [7, 8, 9]], [[False, False], [False, False, False]], PAD)
    assert not token_log_probs(model, sequences).any()
    assert model.inputs == []


def test_dropout_is_off_and_the_model_stays_in_its_mode() -> None:
    model, sequences = tiny_model(1), some()
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.9
    expected = token_log_probs(model, sequences)
    model.train()
    assert np.array_equal(token_log_probs(model, sequences), expected)
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_an_adapter_of_peft() -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = peft.get_peft_model(tiny_model(1), config).eval()
    found = token_log_probs(model, some())
    assert found == pytest.approx(one_by_one(model, some()), abs=1e-5)
    assert np.abs(found - token_log_probs(tiny_model(1), some())).max() > 0.01


def test_what_cannot_be_scored() -> None:
    with pytest.raises(
        PredictionsError, match="sequence 1 begins with an answer token; give at least one token before"
    ):
        token_log_probs(tiny_model(1), padded([[5, 6], [5, 6]], [[False, True], [True, True]], PAD))
    broken = tiny_model(1)
    with torch.no_grad():
        broken.lm_head.weight[:] = torch.nan
    with pytest.raises(
        PredictionsError, match="the model gives nan for a token of sequence 0; its weights are damaged"
    ):
        token_log_probs(broken, padded([[5, 6]], [[False, True]], PAD))
