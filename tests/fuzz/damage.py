"""Ways in which a file, or a folder, comes to be other than it was written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

Damage = Callable[[Path, Random], None]
"""Changes the file at a path."""


def flip_bit(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes()) or bytearray(1)
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def change_byte(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes()) or bytearray(1)
    content[random.randrange(len(content))] = random.choice((0, 9, 10, 34, 48, 57, 92, 123, 125, 0x80, 0xFF))
    path.write_bytes(content)


def change_digit(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes())
    digits = [place for place, byte in enumerate(content) if 48 <= byte <= 57]
    if not digits:
        return flip_bit(path, random)
    place = random.choice(digits)
    content[place] = random.choice([digit for digit in b"0123456789" if digit != content[place]])
    path.write_bytes(content)
    return None


def cut(path: Path, random: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(max(1, len(content)))])


def empty(path: Path, _random: Random) -> None:
    path.write_bytes(b"")


def insert(path: Path, random: Random) -> None:
    content, junk = path.read_bytes(), random.choice((b"\x00", b"\xff\xfe", b"[" * 50_000, b"{}", b"\n", b"9" * 5000))
    place = random.randrange(len(content) + 1)
    path.write_bytes(content[:place] + junk + content[place:])


def repeat(path: Path, _random: Random) -> None:
    path.write_bytes(path.read_bytes() * 2)


def remove(path: Path, _random: Random) -> None:
    path.unlink()


def put_a_folder(path: Path, random: Random) -> None:
    path.unlink()
    path.mkdir()
    if random.random() < 0.5:
        (path / "a.txt").write_text("something")


def put_a_link(path: Path, random: Random) -> None:
    """To the same content outside, to nothing, to itself, to a folder outside."""
    outside = path.parent / os.path.relpath(_beside(path), path.parent)
    kind = random.choice(("copy", "nothing", "itself", "folder"))
    if kind == "copy":
        shutil.copy(path, _beside(path) / path.name)
    path.unlink()
    target = {"copy": outside / path.name, "nothing": outside / "nothing", "itself": path, "folder": outside / "folder"}
    path.symlink_to(os.path.relpath(target[kind], path.parent))


def swap(path: Path, random: Random) -> None:
    """With another file of the same name, or of the same folder, or any."""
    root = _root(path)
    others = [other for other in sorted(root.rglob("*")) if other.is_file() and other != path]
    alike = [other for other in others if other.name == path.name or other.parent == path.parent]
    other = random.choice(alike if alike and random.random() < 0.7 else others)
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


FILE_DAMAGES: dict[str, Damage] = {
    "a bit flipped": flip_bit,
    "a byte changed": change_byte,
    "a digit changed": change_digit,
    "cut": cut,
    "emptied": empty,
    "something inserted": insert,
    "there twice": repeat,
    "removed": remove,
    "a folder in its place": put_a_folder,
    "a link in its place": put_a_link,
    "swapped with another": swap,
}


def empty_folder(path: Path, _random: Random) -> None:
    shutil.rmtree(path)
    path.mkdir()


def remove_folder(path: Path, _random: Random) -> None:
    shutil.rmtree(path)


def put_a_file(path: Path, random: Random) -> None:
    shutil.rmtree(path)
    path.write_bytes(random.choice((b"", b"{}", b"text")))


def link_folder(path: Path, random: Random) -> None:
    """To the same content outside, to nothing, to itself, to the folder that it lies in."""
    outside = _beside(path)
    kind = random.choice(("copy", "nothing", "itself", "above"))
    if kind == "copy":
        shutil.copytree(path, outside / path.name, dirs_exist_ok=True)
    shutil.rmtree(path)
    target = {"copy": outside / path.name, "nothing": outside / "nothing", "itself": path, "above": path.parent}
    path.symlink_to(os.path.relpath(target[kind], path.parent))


def add_a_stranger(path: Path, random: Random) -> None:
    """What file managers, version control and editors leave, a copy of what is there, and loops."""
    kind = random.choice(("file", "folder", "copy", "loop", "hidden"))
    if kind == "file":
        (path / random.choice(("Thumbs.db", "notes.txt", "a.json", ".DS_Store"))).write_bytes(random.randbytes(20))
    elif kind in ("folder", "hidden"):
        (path / {"folder": "lost+found", "hidden": ".git"}[kind]).mkdir()
    elif kind == "loop":
        (path / "loop").symlink_to(random.choice(("..", "loop")))
    elif there := sorted(each for each in path.iterdir() if not each.is_symlink()):
        of = random.choice(there)
        to = path / f"{of.stem} (copy){of.suffix}"
        if of.is_dir():
            shutil.copytree(of, to)
        else:
            shutil.copy(of, to)


FOLDER_DAMAGES: dict[str, Damage] = {
    "emptied": empty_folder,
    "removed": remove_folder,
    "a file in its place": put_a_file,
    "a link in its place": link_folder,
    "a stranger in it": add_a_stranger,
}


def damage_one(folder: Path, random: Random) -> tuple[Path, str]:
    """Damage one file or, now and then, one folder in a folder; which, and how."""
    folders = [path for path in sorted(folder.rglob("*")) if path.is_dir()]
    if random.random() < 0.15 and folders:
        path, name = random.choice(folders), random.choice(list(FOLDER_DAMAGES))
        FOLDER_DAMAGES[name](path, random)
    else:
        path = random.choice([path for path in sorted(folder.rglob("*")) if path.is_file()])
        name = random.choice(list(FILE_DAMAGES))
        FILE_DAMAGES[name](path, random)
    return path, name


def _root(path: Path) -> Path:
    """The folder of the input: the one that has a folder `beside`."""
    return next(parent for parent in path.parents if (parent / "beside").is_dir())


def _beside(path: Path) -> Path:
    return _root(path) / "beside"
