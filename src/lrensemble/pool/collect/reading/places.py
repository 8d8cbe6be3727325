"""Which files are whose: one file a member, one folder a run, validation rows beside test rows, and a shared truth."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrensemble.errors import PredictionsError
from lrensemble.files import storage_errors
from lrensemble.pool.collect.reading.containers import IN_WORDS, PICKLES, SUFFIXES, stem_of, suffix_of
from lrensemble.pool.collect.reading.roles import Half, half_of, role_of, words_of
from lrensemble.pool.place import is_pool

OF_RUNS = re.compile(
    r"metrics|progress|params|result|config.*|hparams|trainer_state|training_args|optimizer.*|scheduler|rng_state.*|model|"
    r"pytorch_model|adapter_.*|tokenizer.*|vocab|special_tokens_map|all_results|eval_results|train_results|checkpoint.*|"
    r"args|summary|wandb.*|history|logs?|hyperparameters|settings|environment|metadata|generation_config|requirements|team"
)
"""Stems of files that training tools write beside predictions: settings, curves, weights."""

SAYING = frozenset(
    (
        *("pred", "preds", "prediction", "predictions", "prob", "probs", "proba", "logit", "logits", "oof", "output"),
        *("outputs", "softmax", "scores", "val", "valid", "validation", "test", "submission"),
    )
)
"""Words in the name of a file of predictions."""

SHARED = ("labels", "groups", "weights", "choices", "classes", "outputs")
"""What a file may hold for all members, by the role of its name."""


@dataclass(frozen=True)
class Place:
    """Files of one member, or of members that share them, by the rows that they speak of."""

    name: str
    files: dict[Half, Path]
    in_folder: bool
    """Whether a folder of one file a member was given, and not the file itself."""


@dataclass(frozen=True)
class Common:
    """A file that holds for the files of its folder and of those below."""

    path: Path
    half: Half
    below: Path | None
    """That folder; None where the file itself was given, and holds for all."""


@dataclass(frozen=True)
class _Item:
    path: Path
    in_folder: bool


def places_of(paths: Sequence[Path]) -> tuple[list[Place], list[Common]]:
    """Members' files, and files that hold for all of them.

    Raises:
        PredictionsError: a folder without predictions, or test rows of a member without its other rows.
        StorageError: a path cannot be read.
    """
    items: list[_Item] = []
    for path in paths:
        items += [_Item(each, True) for each in _walk(path)] if is_folder(path) else [_Item(path, False)]
    shared = [item for item in items if is_common(item.path)]
    own = [item for item in items if item not in shared]
    if not own:
        own, shared = [item for item in items if not item.in_folder], []
    if not own:
        raise PredictionsError(f"{paths[0]} holds a truth and no predictions; give the predictions too")
    places = _paired(own)
    halves = [
        Common(item.path, _half_of_path(item.path), item.path.parent if item.in_folder else None) for item in shared
    ]
    several = any("test" in place.files for place in places) or len({common.half or "val" for common in halves}) > 1
    return places, halves if several else [Common(common.path, "", common.below) for common in halves]


def is_folder(path: Path) -> bool:
    """Whether a folder is given.

    Raises:
        StorageError: there is nothing, or it cannot be looked at.
    """
    with storage_errors("read", path):
        return stat.S_ISDIR(path.stat().st_mode)


def is_common(path: Path) -> bool:
    """Whether a file's name says that it holds the truth, or what else is known of rows."""
    stem = stem_of(path)
    role = role_of(stem)
    return role in SHARED or (role == "ids" and words_of(stem)[-1] in ("ids", "id"))


def _walk(folder: Path) -> list[Path]:
    """Files of a folder; of the folders below it where it holds none of predictions itself."""
    if is_pool(folder):
        raise PredictionsError(f"{folder} is a pool already; lrensemble merge puts the members of pools into one")
    with storage_errors("read", folder):
        direct = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
    found = _known(direct)
    if any(not is_common(path) for path in found):
        return found
    with storage_errors("read", folder):
        below = [
            path
            for path in folder.rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        ]
    nested = _known(sorted(below, key=lambda path: _natural(str(path))))
    told = [path for path in nested if SAYING & set(words_of(stem_of(path)))]
    nested = [path for path in nested if not told or path in told or is_common(path)]
    if not any(not is_common(path) for path in nested):
        pickles = [path for path in (*direct, *below) if suffix_of(path) in PICKLES]
        if pickles:
            raise PredictionsError(
                f"{folder} holds pickles ({pickles[0].name}), which are never read; save the numbers as {IN_WORDS}"
            )
        raise PredictionsError(f"{folder} holds no predictions; give one file a member: {IN_WORDS}")
    return nested


def _known(paths: Sequence[Path]) -> list[Path]:
    known = [path for path in paths if suffix_of(path) in SUFFIXES]
    return [
        path for path in known if suffix_of(path) in (".npz", ".npy") or not OF_RUNS.fullmatch(stem_of(path).lower())
    ]


def _natural(text: str) -> list[tuple[int, str]]:
    """Key that sorts `run2` before `run10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def _half_of_path(path: Path) -> Half:
    """Which rows a file's name, or that of its folder, speaks of."""
    half = half_of(stem_of(path))[0]
    return half or (half_of(path.parent.name)[0] if not half_of(path.parent.name)[1] else "")


def _paired(items: Sequence[_Item]) -> list[Place]:
    parts = _relative([item.path for item in items])
    keyed = [_key(each) for each in parts]
    by_key: dict[tuple[str, ...], dict[Half, int]] = {}
    for place, (half, key) in enumerate(keyed):
        by_key.setdefault(key, {}).setdefault(half, place)
    if not any("test" in halves and ({"", "val"} & set(halves)) for halves in by_key.values()):
        names = _names(items, parts, [stem_of(item.path) for item in items])
        return [Place(name, {"val": item.path}, item.in_folder) for name, item in zip(names, items, strict=True)]
    found: list[tuple[_Item, tuple[str, ...], dict[Half, Path]]] = []
    for key, halves in by_key.items():
        first = halves.get("val", halves.get("", -1))
        if first < 0 and "test" not in halves:
            continue  # rows that a member was trained on
        if first < 0 or {"", "val"} <= set(halves):
            paths = " and ".join(str(items[place].path) for place in halves.values())
            what = (
                "has test rows alone, and others have validation rows too" if first < 0 else "are both validation rows"
            )
            raise PredictionsError(f"{paths} {what}; give both of every member, as NAME_val and NAME_test")
        files: dict[Half, Path] = {"val": items[first].path}
        if "test" in halves:
            files["test"] = items[halves["test"]].path
        found.append((items[first], key, files))
    stems = [key[-1] if key else "model" for _, key, _ in found]
    names = _names([item for item, _, _ in found], [key for _, key, _ in found], stems)
    return [Place(name, files, item.in_folder) for name, (item, _, files) in zip(names, found, strict=True)]


def _relative(paths: Sequence[Path]) -> list[tuple[str, ...]]:
    """Parts of paths below the folder that all share, the last without its suffix."""
    parts = [(*path.absolute().parts[:-1], stem_of(path)) for path in paths]
    shared = 0
    while all(len(each) > shared + 1 and each[shared] == parts[0][shared] for each in parts):
        shared += 1
    return [each[shared:] for each in parts]


def _key(parts: tuple[str, ...]) -> tuple[Half, tuple[str, ...]]:
    """Which rows a path speaks of, and its parts without that."""
    half, stem = half_of(parts[-1])
    if half:
        return half, (*parts[:-1], *([_spelled(parts[-1], stem)] if stem else []))
    for place, part in enumerate(parts[:-1]):
        half, rest = half_of(part)
        if half and not rest:
            return half, (*parts[:place], *parts[place + 1 :])
    return "", parts


def _spelled(stem: str, rest: str) -> str:
    """What is left of a stem, in its own spelling where that can be cut out."""
    for match in re.finditer(r"[A-Za-z0-9]+", stem):
        cut = (stem[: match.start()].rstrip("_-. ") + stem[match.end() :]).strip("_-. ")
        if half_of(match[0])[0] and not half_of(match[0])[1] and "_".join(words_of(cut)) == rest:
            return cut
    return rest


def _names(items: Sequence[_Item], parts: Sequence[tuple[str, ...]], stems: Sequence[str]) -> list[str]:
    """Stems, or where some files share theirs, what differs in their paths."""
    different = {item.path.absolute() for item in items}
    if len(set(stems)) == len(different):
        return list(stems)
    depth = {len(each) for each in parts}
    if len(depth) > 1:
        return ["/".join(each) for each in parts]
    columns = [place for place in range(depth.pop()) if len({each[place] for each in parts}) > 1]
    return [
        "/".join(_differing([each[place] for each in parts], each[place]) for place in columns) or stem
        for each, stem in zip(parts, stems, strict=True)
    ]


def _differing(all_parts: Sequence[str], part: str) -> str:
    """The part of a name `lr=0.1,seed=0` in which other folders differ."""
    split = [set(each.split(",")) for each in all_parts]
    if not all("=" in piece for each in all_parts for piece in each.split(",")):
        return part
    shared = set.intersection(*split)
    return ",".join(piece for piece in part.split(",") if piece not in shared) or part
