"""The base model: a reference that leads to the same weights or to one line, and never runs or fetches a thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.forked import python
from tests.language.models import END, tiny_base, tiny_model, tiny_tokenizer

from lrensemble.config import Base
from lrensemble.errors import SpecError, UntrustedError
from lrensemble.language.base import base_of, context_length, load_base
from lrensemble.language.hub import is_hub_name
from lrensemble.registry import known_paths_only

transformers = pytest.importorskip("transformers")

IDS = torch.tensor([[5, 9, 33, 49, 7]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_base(tmp_path / "base", seed=3)


def change(file: Path, **settings: object) -> None:
    """Set some keys of a JSON file, or take them away where None is given."""
    content = {**json.loads(file.read_text(encoding="utf-8")), **settings}
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}), encoding="utf-8")


def test_a_reference_leads_to_the_model_as_it_was(folder: Path) -> None:
    base = base_of(folder)
    assert (base.path, base.revision) == (str(folder), None)
    assert Base.model_validate_json(base.model_dump_json()) == base
    model, tokenizer = loaded = load_base(base)
    assert loaded.context == 128
    assert not model.training
    assert torch.equal(model(IDS).logits, tiny_model(3)(IDS).logits)
    assert tokenizer.padding_side == "right"
    assert tokenizer("the end")["input_ids"] == [49, 4, 10, 19, 9]


def test_a_relative_path_is_kept_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert base_of("base") == base_of(folder)


def test_weights_are_loaded_in_the_type_that_is_asked_for(folder: Path) -> None:
    base = base_of(folder)
    for dtype in (torch.float64, torch.bfloat16):
        assert load_base(base, dtype=dtype).model.dtype == dtype


def test_other_weights_than_those_referred_to_are_refused(folder: Path) -> None:
    base = base_of(folder)
    tiny_model(4).save_pretrained(folder)
    with pytest.raises(SpecError, match=r"holds other weights \(SHA-256 .*give the very base that the members"):
        load_base(base)


def test_what_cannot_pad_pads_with_its_end_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tiny_base(tmp_path / "base", padding=False)
    _, tokenizer = load_base(base_of(folder))
    assert tokenizer.pad_token_id == END
    assert "has no token for padding; '</s>', its end, serves for it" in caplog.text
    change(folder / "tokenizer_config.json", eos_token=None)
    with pytest.raises(SpecError, match="no token for padding, and none for the end"):
        load_base(base_of(folder))


def test_the_context_is_the_smaller_of_what_model_and_tokenizer_say() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = 30
    assert context_length(tiny_model(context=40), tokenizer) == 30
    assert context_length(tiny_model(context=20), tokenizer) == 20
    tokenizer.model_max_length = 10**30
    assert context_length(tiny_model(context=20), tokenizer) == 20
    endless = transformers.BloomConfig(vocab_size=64, hidden_size=16, n_layer=1, n_head=2)
    assert context_length(transformers.BloomForCausalLM(endless), tokenizer) is None


def test_weights_that_are_missing_are_not_made_up(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SpecError, match=r"not a whole model: .* model.layers.1.mlp.up_proj.weight are missing"):
        load_base(base_of(folder))


def test_a_tokenizer_of_another_model_is_refused(folder: Path) -> None:
    tiny_model(vocabulary=63).save_pretrained(folder)
    with pytest.raises(SpecError, match="its tokenizer has 64 tokens, and its model knows 63"):
        load_base(base_of(folder))


def remove(folder: Path, name: str) -> None:
    (folder / name).unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: remove(f, "config.json"), "holds no config.json; give a folder that save_pretrained"),
        (lambda f: (f / "config.json").write_text("{"), "config.json is damaged: not JSON"),
        (
            lambda f: (f / "config.json").write_text("[]"),
            "config.json' is damaged|config.json is damaged: it must hold",
        ),
        (lambda f: (f / "adapter_config.json").write_text("{}"), r"holds an adapter \(adapter_config.json\); give the"),
        (
            lambda f: change(f / "config.json", architectures=["BertForMaskedLM"]),
            "holds a BertForMaskedLM; give a caus",
        ),
        (lambda f: remove(f, "model.safetensors"), "holds no model.safetensors$"),
        (
            lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
            "no model.safetensors; pytorch_model.bin is not read: save the model again in safetensors",
        ),
        (lambda f: (f / "model.safetensors").write_bytes(b"\0" * 50), "the weights in .* are damaged: "),
        (lambda f: change(f / "config.json", model_type="no-such-type"), "cannot be loaded: ValueError: "),
        (lambda f: remove(f, "tokenizer.json"), "cannot be loaded: .*a model and its tokenizer that need no code"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_no_base_is_told_in_one_line(folder: Path, spoil: Any, message: str) -> None:
    spoil(folder)
    with pytest.raises(SpecError, match=message) as refused:
        load_base(base_of(folder))
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_not_there_is_not_looked_for_on_a_hub(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", "./base", "a/b/c", ".hidden/base", "../base"):
        with pytest.raises(SpecError, match="there is no folder"):
            base_of(path)
    assert is_hub_name("owner/some-model_1.0")
    assert is_hub_name("gpt2")


def test_a_folder_has_no_revision(folder: Path) -> None:
    with pytest.raises(SpecError, match="a folder has no revision; leave revision = 'main' out"):
        base_of(folder, "main")


def test_a_hub_is_not_asked_on_the_word_of_a_folder_from_elsewhere() -> None:
    with known_paths_only("a pool"), pytest.raises(UntrustedError, match=r"a pool names base\('owner/model'\)"):
        base_of("owner/model")


WATCHED = """
import json, sys

def refuse(event, arguments):
    if event.startswith("socket.") or (event == "import" and arguments[0] == "evil"):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
from huggingface_hub import constants
from lrensemble.language.base import base_of, load_base
constants.HF_HUB_CACHE = sys.argv[2]  # what the variables say at the first import
for offline, *reference in json.loads(sys.argv[1]):
    constants.HF_HUB_OFFLINE = offline
    loaded = load_base(base_of(*reference))
    print(type(loaded.model).__name__, loaded.model.config._attn_implementation, base_of(*reference).revision)
"""

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def watched(forking: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What bases were loaded as by a process that ends at the first attempt to go online or to import their code.

    A folder whose settings ask for both, and a model in the cache of the hub's own library, as a download leaves it:
    by its commit, and by its name alone where there is no way online.
    """
    evil, cache = tmp_path_factory.mktemp("evil"), tmp_path_factory.mktemp("hub")
    ask_for_code(tiny_base(evil / "base", seed=3))
    kept = cache / "models--owner--tiny"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    (kept / "snapshots").mkdir()
    tiny_base(kept / "snapshots" / COMMIT, seed=3)
    references = [[False, str(evil / "base")], [False, "owner/tiny", COMMIT], [True, "owner/tiny"]]
    done = python(forking, "-c", WATCHED, json.dumps(references), cache)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def ask_for_code(folder: Path) -> None:
    """Write code into a folder, and into its settings that it, that of a repository, and kernels are to be run."""
    (folder / "evil.py").write_text("raise SystemExit('run')", encoding="utf-8")
    change(
        folder / "config.json",
        auto_map={"AutoConfig": "evil.Config", "AutoModelForCausalLM": "someone/evil--evil.Model"},
        attn_implementation="someone/kernel",
        experts_implementation="someone/kernel",
        _name_or_path="someone/evil",
    )
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Tokenizer", None]})
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text("raise SystemExit('run')", encoding="utf-8")


def test_nothing_in_its_settings_is_run_or_fetched(watched: list[list[str]]) -> None:
    assert watched[0] == ["LlamaForCausalLM", "sdpa", "None"]


def test_a_model_of_the_hub_is_one_commit_and_is_not_asked_for_again(watched: list[list[str]]) -> None:
    assert watched[1:] == [["LlamaForCausalLM", "sdpa", COMMIT]] * 2
