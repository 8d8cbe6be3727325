"""A team of language models as one: it scores texts and writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.config import Base
from lrensemble.errors import ExportError
from lrensemble.export.language.adapters import Adapter, check_base, read_adapter, require_there, with_adapters
from lrensemble.export.language.bundle import read_language_bundle, write_language_bundle
from lrensemble.export.language.consensus import check_consensus, of_tokens
from lrensemble.export.language.decoding import Decoding, decode
from lrensemble.export.language.description import LanguageDescription
from lrensemble.export.language.members import Members
from lrensemble.export.language.prompting import Prompts
from lrensemble.export.language.scoring import Scored, score
from lrensemble.export.language.writing import Writer, Written
from lrensemble.language.base import base_of, load_base
from lrensemble.language.likelihood import ROWS
from lrensemble.language.pairs import Pair, encode_pairs
from lrensemble.language.sequences import Sequences
from lrensemble.language.templates import TEMPLATES
from lrensemble.registry import known_paths_only, require_known_paths
from lrensemble.spec import SpecLike

Floats = NDArray[np.float64]
GREEDY = Decoding()


class LanguageEnsemble:
    """LoRA adapters of one base that speak as one; they only predict.

    ```python
    team = LanguageEnsemble.from_adapters("base", {"cosine": "adapters/a", "step": "adapters/b"})
    team.generate("Name three animals.", Decoding(max_tokens=40, temperature=0.7, top_p=0.9)).text
    team.log_likelihoods([("The capital of France is", " Paris"), ("The capital of France is", " Rome")])
    ```
    """

    def __init__(
        self,
        description: LanguageDescription,
        adapters: Sequence[Adapter],
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
    ) -> None:
        """Load the base, and put the adapters on it.

        Args:
            description: base, members, weights and consensus.
            adapters: of each member.
            device: where all is computed.
            dtype: type of the base's weights in memory; that of the description unless given.

        Raises:
            ExportError: an adapter that does not fit the base, or is one of another; not one for each member.
            SpecError: the base is not there, or has other weights.
            UntrustedError: the base is one of a hub, and nobody has asked for it.
            MissingExtraError: `transformers` or `peft` is not installed.
        """
        if not len(adapters) == len(description.names) == len(description.weights):
            raise ExportError(
                f"{len(adapters)} adapters, {len(description.names)} names and {len(description.weights)} weights; "
                "give one of each for each member"
            )
        require_there(description.base)
        for adapter in adapters:
            check_base(adapter, description.base)
        base = load_base(description.base, dtype=dtype or getattr(torch, description.dtype), device=device)
        self.description, self.adapters = description, tuple(adapters)
        self.tokenizer, self.context = base.tokenizer, base.context
        self.prompts = Prompts(base.tokenizer, description.template)
        self._keys = tuple(f"member{place}" for place in range(len(adapters)))
        self.model = with_adapters(base.model, self._keys, adapters)
        self.members = Members(self.model, self._keys, self.context)
        self.weights: Floats = np.array(description.weights) / np.sum(description.weights)

    @classmethod
    def from_adapters(
        cls,
        base: Base | Path | str,
        adapters: Mapping[str, Path | str],
        weights: Sequence[float] | None = None,
        *,
        consensus: str = "token_probabilities",
        template: SpecLike | None = None,
        method: str = "given",
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """A team of adapters in folders as `peft` writes them.

        Args:
            base: folder of the base, its name on the Hugging Face hub, or the reference that a pool holds.
            adapters: folders by the names of the members.
            weights: of the members, above zero; equal unless given.
            consensus: `token_probabilities`, `token_logits`, `sequence_likelihoods` or `answer_probabilities`.
            template: how instructions were written in training, `alpaca`, `chat`, …; prompts are left as they are
                unless given.
            method: what chose the team, for people.
            device: where all is computed.
            dtype: type of the base's weights in memory.

        Raises:
            ExportError: no adapters, weights that do not fit them, or as the constructor does.
            SpecError, UntrustedError, MissingExtraError: as the constructor does.
        """
        shares = np.ones(len(adapters)) if weights is None else np.array(weights, dtype=np.float64)
        if not adapters:
            raise ExportError("no adapters are given; give one folder at least")
        if shares.shape != (len(adapters),) or not (np.isfinite(shares) & (shares > 0)).all():
            raise ExportError(f"weights {weights} do not fit {len(adapters)} adapters; give one above 0 for each")
        description = LanguageDescription(
            base=base if isinstance(base, Base) else base_of(base),
            names=tuple(adapters),
            weights=tuple((shares / shares.sum()).tolist()),
            consensus=check_consensus(consensus),
            method=method,
            template=None if template is None else TEMPLATES.check(template),
        )
        return cls(description, [read_adapter(folder) for folder in adapters.values()], device=device, dtype=dtype)

    @classmethod
    def load(
        cls,
        folder: os.PathLike[str] | str,
        *,
        base: Path | str | None = None,
        trust_code: bool = False,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
    ) -> Self:
        """The team that `save` wrote.

        Args:
            folder: of the team.
            base: where its base lies now; where it lay when the team was made unless given.
            trust_code: whether to ask a hub for a base that the folder names.
            device: where all is computed.
            dtype: type of the base's weights in memory; that in which the members were trained unless given.

        Raises:
            ExportError: no such folder, or a file that is missing, changed or foreign.
            SpecError, UntrustedError, MissingExtraError: as the constructor does.
            StorageError: a file cannot be read.
        """
        description, adapters = read_language_bundle(Path(folder))
        if base is not None:
            moved = description.base.model_copy(update={"path": str(base), "revision": None})
            description = description.model_copy(update={"base": moved})
        if description.template is not None:
            require_known_paths(str(folder), description.template, trust_code=trust_code)
        with known_paths_only(str(folder), trust_code=trust_code or base is not None):
            return cls(description, adapters, device=device, dtype=dtype)

    def save(self, folder: Path | str) -> None:
        """Write a folder that `load` reads, whole or not at all; the base is in it by reference.

        Raises:
            ExportError: there is something in the folder already.
            StorageError: it cannot be written.
        """
        write_language_bundle(Path(folder), self.description, self.adapters)

    def alone(self, name: str) -> Self:
        """One member as a team of its own; base and adapters are shared with this one.

        Raises:
            ExportError: no such member.
        """
        if name not in self.description.names:
            raise ExportError(f"no member {name!r}; there are {', '.join(self.description.names)}")
        place = self.description.names.index(name)
        found = object.__new__(type(self))
        found.__dict__ |= self.__dict__
        found.description = self.description.model_copy(update={"names": (name,), "weights": (1.0,)})
        found.adapters, found._keys = (self.adapters[place],), (self._keys[place],)
        found.members = self.members.alone(place)
        found.weights = np.ones(1)
        return found

    @contextmanager
    def base_alone(self) -> Iterator[Self]:
        """The base, which writes and scores as one that no adapter has changed; within the block, members do so too
        where they do not run by stacked matrices.
        """
        found = self.alone(self.description.names[0])
        found.members = Members(self.model, found._keys, self.context, batching="loop")
        with self.model.disable_adapter():
            yield found

    def scale(self, place: int, layer: str) -> float:
        """The number that the product of a member's two matrices is multiplied with in a layer, by `peft`'s name."""
        return float(self.model.get_submodule(layer).scaling[self._keys[place]])

    def score(self, sequences: Sequences, rows: int = ROWS) -> Scored:
        """Log-probabilities of the answer tokens of sequences, of the team and of each member.

        Args:
            sequences: what is scored.
            rows: sequences in a batch; each member looks at all of them.

        Raises:
            ExportError: an answer token that nothing stands before, or a member that gives NaN.
        """
        return score(self.members, of_tokens(self.description.consensus), self.weights, sequences, rows)

    def log_likelihoods(self, pairs: Sequence[Pair], rows: int = ROWS) -> Floats:
        """Log-likelihood [pair] of texts after their contexts, by the team.

        Args:
            pairs: `(context, text)`; a context that is too long for the model is cut on the left.
            rows: pairs in a batch.

        Raises:
            DataError: a text without a token, or longer than the model can look at.
            ExportError: as `score` does.
        """
        found: Floats = self.score(encode_pairs(self.tokenizer, pairs, self.context).sequences, rows).log_probs.sum(1)
        return found

    def member_log_likelihoods(self, pairs: Sequence[Pair], rows: int = ROWS) -> Floats:
        """Log-likelihood [member, pair] of texts after their contexts, by each member; as `log_likelihoods` else."""
        found: Floats = self.score(encode_pairs(self.tokenizer, pairs, self.context).sequences, rows).members.sum(2)
        return found

    def generate(self, prompt: str, decoding: Decoding = GREEDY, *, input: str = "", raw: bool = False) -> Written:  # noqa: A002
        """The text that the team writes after a prompt.

        Args:
            prompt: an instruction, which is written as in training where the team knows the template; or else the text
                to go on from.
            decoding: how tokens are chosen.
            input: what the instruction is to be applied to.
            raw: whether the prompt is left as it is.

        Raises:
            ExportError: an empty prompt, one that leaves no room, or an input that there is no place for.
            DataError: a chat template that cannot write it.
        """
        return self.generate_all([prompt], decoding, input=input, raw=raw)[0]

    def generate_all(
        self,
        prompts: Sequence[str],
        decoding: Decoding = GREEDY,
        *,
        input: str = "",  # noqa: A002
        raw: bool = False,
    ) -> list[Written]:
        """The texts that the team writes after each of several prompts, in one batch; as `generate` else."""
        writers, steps = self._begin(prompts, decoding, input, raw)
        while any(writer.ended is None for writer in writers):
            for writer, token in zip(writers, next(steps).tolist(), strict=True):
                writer.add(token)
        return [writer.written for writer in writers]

    def stream(
        self,
        prompt: str,
        decoding: Decoding = GREEDY,
        *,
        input: str = "",  # noqa: A002
        raw: bool = False,
    ) -> Iterator[str]:
        """The text that the team writes after a prompt, in pieces, each as soon as no later token can change it; as
        `generate` else.
        """
        (writer,), steps = self._begin([prompt], decoding, input, raw)
        while writer.ended is None:
            if piece := writer.add(int(next(steps)[0])):
                yield piece

    def _begin(
        self, prompts: Sequence[str], decoding: Decoding, more: str, raw: bool
    ) -> tuple[list[Writer], Iterator[NDArray[np.int64]]]:
        tokens = [self.prompts.tokens(prompt, input=more, raw=raw) for prompt in prompts]
        writers = [Writer.after(len(own), self.tokenizer, decoding, self.context) for own in tokens]
        consensus = of_tokens(self.description.consensus)
        pad = int(self.tokenizer.pad_token_id)
        return writers, decode(self.members, consensus, self.weights, tokens, decoding, pad) if tokens else iter(())
