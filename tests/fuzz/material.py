"""What inputs are made of: small data of every kind, and everything that the command line makes of it."""

from __future__ import annotations

import io
import shutil
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file
from tests.fuzz.case import Arguments, Output
from tests.fuzz.process import GOOD_ENDINGS, REFUSED, run
from tests.fuzz.verdict import output_of

CLASSES, SIDE, TRAIN, TEST = 3, 6, 160, 60
MEMBERS, VAL_ROWS, TEST_ROWS, KINDS = 3, 40, 20, 4
"""Of the predictions that were made elsewhere."""

EXPERIMENT = """data = {{name = "{source}", folder = "{folder}"}}
model = "mlp(width=4)"
[[policy]]
name = "one_cycle"
peak = [0.2, 0.5]
[[policy]]
name = "cosine"
peak = [0.3, 0.8]
[train]
epochs = 2
batch_size = 32
[select]
methods = ["best", "greedy(size=4)", "focal(max_size=3)"]
"""


@dataclass
class Material:
    """A folder with everything, and what the undisturbed commands give."""

    folder: Path
    own: Path
    """Folder of the process that tries inputs."""
    wanted: dict[tuple[str, Arguments], Output] = field(default_factory=dict)
    """By what the command is given, and the command."""

    def lay_out(self, place: Path, *names: str) -> None:
        """Copies of parts of it in a new folder, and a folder beside them that nobody has any business in."""
        place.mkdir(parents=True)
        for name in names:
            origin = self.folder / name
            if origin.is_dir():
                shutil.copytree(origin, place / name)
            else:
                shutil.copy(origin, place / name)
        (place / "beside" / "folder").mkdir(parents=True)
        (place / "beside" / "keep.txt").write_text("not yours")
        (place / "beside" / "folder" / "keep.json").write_text("{}")
        (place / "out").mkdir()

    def undisturbed(self, names: tuple[str, ...], arguments: Arguments) -> Output:
        """What a command gives where nothing is damaged; asked for once."""
        key = (" ".join(names), arguments)
        if key not in self.wanted:
            place = self.own / "undisturbed"
            self.lay_out(place, *names)
            ended = run(arguments, place, self.own)
            if ended.status not in (*GOOD_ENDINGS, REFUSED):
                raise RuntimeError(f"{arguments} fails undisturbed: {ended.stderr}")
            self.wanted[key] = output_of(ended, place)
            shutil.rmtree(place)
        return self.wanted[key]


def make(folder: Path) -> None:
    """Make it, by the command line where that can."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    train, test = _images(TRAIN, generator), _images(TEST, generator)
    _idx(folder / "idx", train, test)
    _folders(folder / "images", train, test)
    _parquet(folder / "parquet", train, test)
    _predictions(folder, generator)
    np.savez(folder / "x.npz", x=test[0][:5, None])
    (folder / "x.png").write_bytes(_png(test[0][0]))
    for source, place in (("idx", "idx"), ("image-folder", "images"), ("parquet", "parquet")):
        (folder / f"{place}.toml").write_text(EXPERIMENT.format(source=source, folder=place))
    commands: tuple[Arguments, ...] = (
        ("run", "idx.toml", "--out", "run"),
        ("export", "run/pool", "--method", "focal(max_size=3)", "--out", "ensemble"),
        ("collect", "logits.npz", "--out", "collected"),
        ("select", "collected", "-m", "best", "-m", "greedy(size=4)"),
    )
    for command in commands:
        ended = run(command, folder, folder)
        if ended.status not in GOOD_ENDINGS:
            raise RuntimeError(f"{command} fails: {ended.stderr}")
    (folder / "run" / "report.html").unlink(missing_ok=True)  # five megabytes that nobody reads back


Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]


def _images(rows: int, generator: np.random.Generator) -> Labelled:
    """Images [sample, height, width] whose bright third tells the label."""
    labels = np.arange(rows) % CLASSES
    bright = np.arange(SIDE)[None, None, :] * CLASSES // SIDE == labels[:, None, None]
    return np.clip(generator.normal(60, 40, (rows, SIDE, SIDE)) + 70 * bright, 0, 255).astype(np.uint8), labels


def _idx(folder: Path, *parts: Labelled) -> None:
    folder.mkdir()
    for name, (images, labels) in zip(("train", "t10k"), parts, strict=True):
        for what, array in (("images-idx3", images), ("labels-idx1", labels.astype(np.uint8))):
            header = bytes((0, 0, 8, array.ndim)) + b"".join(struct.pack(">I", size) for size in array.shape)
            (folder / f"{name}-{what}-ubyte").write_bytes(header + array.tobytes())


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _folders(folder: Path, *parts: Labelled) -> None:
    for name, (images, labels) in zip(("train", "test"), parts, strict=True):
        for place, (image, label) in enumerate(zip(images[:45], labels[:45], strict=True)):
            path = folder / name / "abc"[label] / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_png(image))


def _parquet(folder: Path, *parts: Labelled) -> None:
    folder.mkdir()
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    for name, (images, labels) in zip(("train", "test"), parts, strict=True):
        encoded = pa.array([{"bytes": _png(image), "path": None} for image in images[:45]], kind)
        pq.write_table(pa.table({"image": encoded, "label": labels[:45].tolist()}), folder / f"{name}-0.parquet")


def predictions(generator: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    """Logits of a few members, made elsewhere, and the labels."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for prefix, rows in (("", VAL_ROWS), ("test_", TEST_ROWS)):
        labels = np.arange(rows) % KINDS
        signal = 2.0 * np.eye(KINDS)[labels]
        arrays[f"{prefix}logits"] = signal + generator.normal(size=(MEMBERS, rows, KINDS))
        arrays[f"{prefix}labels"] = labels
    return arrays


def _predictions(folder: Path, generator: np.random.Generator) -> None:
    arrays = predictions(generator)
    np.savez(folder / "logits.npz", **arrays)  # type: ignore[arg-type]
    np.savez_compressed(folder / "packed.npz", **arrays)  # type: ignore[arg-type]
    save_file(arrays, folder / "logits.safetensors")
    (folder / "members").mkdir()
    labels = {name: array for name, array in arrays.items() if name.endswith("labels")}
    np.savez(folder / "members" / "labels.npz", **labels)  # type: ignore[arg-type]
    for member in range(MEMBERS):
        own = {name: array[member] for name, array in arrays.items() if name not in labels}
        np.savez(folder / "members" / f"m{member}.npz", **own)
