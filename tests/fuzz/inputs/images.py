"""Data sets of images: idx files, parquet tables, folders; damaged, or not what they are called."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from tests.fuzz.case import Arguments, Case
from tests.fuzz.damage import damage_one
from tests.fuzz.inputs.values import number
from tests.fuzz.material import Material

SOURCES = {"idx": "idx", "images": "image-folder", "parquet": "parquet"}


def damaged(random: Random, place: Path, material: Material) -> Case:
    """One file or folder of a data set."""
    name = random.choice(list(SOURCES))
    material.lay_out(place, name)
    path, how = damage_one(place / name, random)
    return Case(f"{path.relative_to(place)}: {how}", ("-", "data", SOURCES[name], name))


def arguments(random: Random, place: Path, material: Material) -> Case:
    """Arguments of a source."""
    name = random.choice(list(SOURCES))
    material.lay_out(place, name)
    key = random.choice(("size", "channels", "image", "label", "train", "test"))
    return Case("arguments", ("-", "data", f"{SOURCES[name]}({key}={number(random)})", name))


def pictures(random: Random, place: Path, material: Material) -> Case:
    """A picture among the others that is unlike them."""
    material.lay_out(place, "images")
    folder = place / "images" / "train" / "a"
    does = random.choice(("size", "mode", "format", "huge", "loop", "deep", "name", "text", "bits"))
    mode = {"mode": random.choice(("RGB", "RGBA", "1", "P", "CMYK", "LA")), "bits": random.choice(("I;16", "F"))}
    size = {"size": (random.randrange(1, 9), random.randrange(1, 9)), "huge": (20_000, 20_000)}
    if does in ("loop", "deep"):
        _nested(folder, does)
    elif does == "text":
        (folder / "a.png").write_text("no picture")
    else:
        suffix = random.choice((".jpg", ".gif", ".bmp", ".tiff", ".webp")) if does == "format" else ".png"
        name = "é" * 120 if does == "name" else "a"
        if mode.get(does) == "F":
            suffix = ".tiff"
        if mode.get(does) == "CMYK":
            suffix = ".jpg"
        Image.new(mode.get(does, "L"), size.get(does, (6, 6))).save(folder / f"{name}{suffix}")
    return Case(f"a picture: {does}", ("-", "data", "image-folder", "images"))


def tables(random: Random, place: Path, material: Material) -> Case:
    """Parquet tables of other columns."""
    material.lay_out(place, "parquet")
    rows = 12
    image = random.choice((b"", b"no picture", None, (material.folder / "x.png").read_bytes()))
    of_labels: tuple[list[object], ...] = (
        [0, 1, 2],
        [None],
        [float("nan")],
        ["a", "b", "nan"],
        [0, 1, 2**40],
        [0, 1, 900_000],
        [-1, 0, 1],
        [0.5],
        [[1]],
        [True, False],
    )
    label = (random.choice(of_labels) * rows)[:rows]
    columns: dict[str, object] = {random.choice(("image", "image", "img", "x")): [image] * rows, "label": label}
    if random.random() < 0.2:
        columns[random.choice(("second", "bytes", "é"))] = [b"x"] * rows
    pq.write_table(pa.table(columns), place / "parquet" / "train-0.parquet")
    return Case("a table", ("-", "data", "parquet", "parquet"))


def asked(random: Random, place: Path, material: Material) -> Case:
    """Files for `predict`."""
    material.lay_out(place, "ensemble")
    generator = np.random.default_rng(random.randrange(1000))
    name = random.choice(("a.npz", "a.npy", "a.png", "a.parquet", "é.npz"))
    path = place / name
    shape = random.choice(((5, 1, 6, 6), (5, 6, 6), (0, 1, 6, 6), (5, 36), (5, 1, 6, 7), (1,), ()))
    kind = random.choice(("u1", "f4", "f8", "i8", "?", "f2", "c8"))
    array = (200 * generator.random(shape)).astype(kind)
    if path.suffix == ".npz":
        np.savez(path, **{random.choice(("x", "images", "y", "x_test")): array})  # type: ignore[arg-type]
    elif path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".png":
        Image.new(random.choice(("L", "RGB", "I;16", "P")), random.choice(((6, 6), (5, 6)))).save(path)
    else:
        pq.write_table(pa.table({"image": [(material.folder / "x.png").read_bytes(), None]}), path)
    if random.random() < 0.5:
        (place / "given").mkdir()
        path = path.rename(place / "given" / name)
        damage_one(path.parent, random)
    out: Arguments = random.choice(((), ("--out", "out/a.csv"), ("--out", "out/a.parquet"), ("--json",)))
    return Case(f"{name} {shape} {kind}", ("predict", "ensemble", str(path.relative_to(place)), *out))


def _nested(folder: Path, does: str) -> None:
    if does == "loop":
        (folder / "loop").symlink_to("..")
        (folder / "self").symlink_to("self")
        (folder / "b.png").symlink_to("b.png")
        return
    below = folder
    for _ in range(40):
        below = below / "d"
    below.mkdir(parents=True)
    Image.new("L", (6, 6)).save(below / "a.png")
