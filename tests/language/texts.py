"""Texts from which there is something to learn, made by rule: which word follows depends on the one before it."""

import gzip
import json
import random
from pathlib import Path

WORDS = {
    "the": ("cat", "dog", "bird"),
    "cat": ("sees", "hears"),
    "dog": ("hears", "chases"),
    "bird": ("sees",),
    "sees": ("the",),
    "hears": ("the",),
    "chases": ("the",),
}


def story(seed: int, words: int = 60) -> str:
    """A walk from word to word."""
    draw, word, told = random.Random(seed), "the", []
    for _ in range(words):
        told.append(word)
        word = draw.choice(WORDS[word])
    return " ".join(told)


def stories(path: Path, count: int = 60, field: str = "text") -> Path:
    """A file of stories, a record a line, packed where its name says so."""
    content = "".join(json.dumps({"id": seed, field: story(seed)}) + "\n" for seed in range(count)).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
