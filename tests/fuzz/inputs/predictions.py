"""Files for `collect`: arrays that do not fit, and files that are damaged."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tests.fuzz.case import Arguments, Case
from tests.fuzz.damage import damage_one
from tests.fuzz.inputs.values import NUMBERS, TEXTS
from tests.fuzz.material import KINDS, MEMBERS, VAL_ROWS, Material, predictions

Arrays = dict[str, NDArray[Any]]


def arrays(random: Random, place: Path, material: Material) -> Case:
    """One or two arrays of a file changed, added or left away."""
    material.lay_out(place)
    given: Arrays = dict(predictions(np.random.default_rng(random.randrange(1000))))
    done = [_change(random, given) for _ in range(random.choice((1, 1, 2)))]
    path = place / random.choice(("a.npz", "a.npz", "a.safetensors", f"{'n' * 251}.npz", "é.npz"))
    if path.suffix == ".npz":
        np.savez(path, **given)  # type: ignore[arg-type]
    else:
        kept = {name: np.ascontiguousarray(array) for name, array in given.items() if array.dtype.kind in "fiub"}
        save_file({name: array for name, array in kept.items() if array.dtype.itemsize <= 8}, path)
    return _collected(random, "; ".join(done), (path.name,))


def files(random: Random, place: Path, material: Material) -> Case:
    """A good file, or a folder of files, damaged."""
    names = ("logits.npz", "packed.npz", "logits.safetensors", "members")
    material.lay_out(place, *names)
    name = random.choice(names)
    root = place / name
    if root.is_file():  # a folder of its own, so that no other file is swapped with it
        (place / "given").mkdir()
        root = root.rename(place / "given" / name).parent
    damaged, how = damage_one(root, random)
    given = "members" if name == "members" else f"given/{name}"
    return _collected(random, f"{damaged.name}: {how}", (given,), options=False)


def entries(random: Random, place: Path, material: Material) -> Case:
    """An `.npz` file as a zip file: entries that are no arrays, twice there, of strange names, or too large."""
    material.lay_out(place)
    good = io.BytesIO()
    np.savez(good, **predictions(np.random.default_rng(0)))  # type: ignore[arg-type]
    does = random.choice(("text", "empty", "folder", "twice", "outside", "header", "huge", "bomb", "only"))
    with zipfile.ZipFile(place / "a.npz", "w", zipfile.ZIP_DEFLATED) as written, zipfile.ZipFile(good) as read:
        for entry in read.namelist():
            if does == "only" or (entry == "labels.npy" and does in ("text", "empty", "folder", "header", "huge")):
                continue
            written.writestr(entry, read.read(entry))
        _strange_entry(written, does)
    return _collected(random, f"npz: {does}", ("a.npz",))


def _strange_entry(written: zipfile.ZipFile, does: str) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }"
    if does in ("text", "only"):
        written.writestr("labels" if does == "text" else "logits.txt", "0 1 2 3\n" * 10)
    elif does == "empty":
        written.writestr("labels.npy", b"")
    elif does == "folder":
        written.writestr("labels.npy/", b"")
    elif does == "twice":
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is there twice is what is wanted
            written.writestr("labels.npy", b"\x93NUMPY\x01\x00")
    elif does == "outside":
        written.writestr("../beside/labels.npy", b"outside")
    elif does == "bomb":
        written.writestr("classes.npy", b"\0" * 400_000_000)
    else:
        text = (header % ("10" + "0" * (3 if does == "header" else 12))).encode() + b"\n"
        written.writestr("labels.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)


def _collected(random: Random, does: str, given: tuple[str, ...], *, options: bool = True) -> Case:
    more: Arguments = ()
    if options and random.random() < 0.3:
        more += ("--holdout", random.choice((*NUMBERS[:12], "0.5", "nan")))
    if options and random.random() < 0.2:
        more += ("--seed", random.choice((*NUMBERS[:20], "abc")))
    if options and random.random() < 0.15:
        more += ("--form", random.choice(("probs", "logits", "log_probs", "top1")))
    command = ("collect", *given, "--out", "out/pool", "--json", *more)
    then: tuple[Arguments, ...] = (("ls", "out/pool", "--json"), ("select", "out/pool", "-m", "best", "--json"))
    return Case(does, command, then=then)


def _change(random: Random, given: Arrays) -> str:
    """Change one array in place; what was done."""
    does = random.choice(list(CHANGES))
    with np.errstate(all="ignore"):
        return f"{CHANGES[does](random, given)}: {does}"


def _other_type(random: Random, given: Arrays) -> str:
    name = random.choice(list(given))
    kind = random.choice(("f2", "f4", "f8", "g", "i1", "i8", "u8", "?", "c16", "U3", "S3", "M8[s]", "m8[s]"))
    try:
        given[name] = given[name].astype(np.int64).astype(kind) if kind[0] in "Mm" else given[name].astype(kind)
    except ValueError:  # texts, after another change
        given[name] = given[name].astype("S3")
    return name


def _other_shape(random: Random, given: Arrays) -> str:
    name = random.choice(list(given))
    array = given[name]
    shapes = (array[:0], array[..., None], array[0], array[..., :1], array.T, array[1:], np.array(1), array.reshape(-1))
    given[name] = random.choice(shapes)
    return name


def _other_value(random: Random, given: Arrays) -> str:
    name = random.choice([name for name in given if given[name].size] or ["labels"])
    flat = given[name].reshape(-1).copy()
    value = random.choice((np.nan, np.inf, -np.inf, 1e308, -1e308, 0, -1, 999_999, 2.0**62))
    flat[random.randrange(flat.size)] = np.array(value).astype(flat.dtype)
    given[name] = flat.reshape(given[name].shape)
    return name


def _gone(random: Random, given: Arrays) -> str:
    name = random.choice(list(given))
    del given[name]
    return name


def _names(random: Random, given: Arrays) -> str:
    name = random.choice(("classes", "names"))
    count = random.choice((0, 1, 2, MEMBERS if name == "names" else KINDS, 5))
    chosen = random.choices((*TEXTS, "nan", "a", "b", "c"), k=count)
    given[name] = np.array([each.encode(errors="replace").decode() for each in chosen], dtype=str)
    return name


def _marks(random: Random, given: Arrays) -> str:
    numbers = np.arange(VAL_ROWS)
    marks = {
        "groups": (numbers // 3, numbers * 0, np.array(["a"] * VAL_ROWS), numbers / 3),
        "weights": (numbers / 7, numbers * 0.0, -np.ones(VAL_ROWS), np.ones(3), numbers * 1e308),
    }
    name = random.choice(list(marks))
    given[name] = random.choice(marks[name])
    return name


def _labels_alone(random: Random, given: Arrays) -> str:
    for name in [name for name in given if "logits" in name]:
        del given[name]
    high = random.choice((KINDS, 1000, 999_999, 2**40))
    given["top1"] = np.random.default_rng(random.randrange(1000)).integers(0, high, (MEMBERS, VAL_ROWS))
    return "top1"


def _other_form(random: Random, given: Arrays) -> str:
    form = random.choice(("probs", "log_probs", "top1"))
    for name in [name for name in given if "logits" in name]:
        given[name.replace("logits", form)] = given.pop(name)
    return form


def _more(random: Random, given: Arrays) -> str:
    name = random.choice(("extra", "test_groups", "test_weights", "models", "x" * 300))
    given[name] = random.choice(list(given.values()))
    return name


CHANGES: dict[str, Callable[[Random, Arrays], str]] = {
    "of another type": _other_type,
    "of another shape": _other_shape,
    "one value": _other_value,
    "gone": _gone,
    "names": _names,
    "marks of rows": _marks,
    "labels alone": _labels_alone,
    "another form": _other_form,
    "one more": _more,
}
