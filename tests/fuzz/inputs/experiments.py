"""Experiments: tables and keys with values that nobody expects, and files that are no TOML."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.fuzz.case import Arguments, Case
from tests.fuzz.damage import FILE_DAMAGES
from tests.fuzz.inputs.values import NUMBERS, TEXTS, number
from tests.fuzz.material import Material

KEYS: dict[str, tuple[str, ...]] = {
    "train": (
        "epochs", "batch_size", "optimizer", "momentum", "nesterov", "weight_decay", "clip_norm", "label_smoothing",
        "precision", "accumulate", "decay_norms", "ema", "channels_last", "augment", "seed", "typo",
    ),
    "split": ("val", "test", "seed"),
    "select": ("methods", "metric", "consensus", "seed"),
    "sweep": ("strategy", "epochs", "space", "when"),
    "": ("data", "model", "policy", "plugins", "train", "split", "sweep", "select", "typo"),
}  # fmt: skip
SPECS = (
    "sgd", "adam(lr=1)", "adamw", "RMSprop(alpha=0.9)", "RMSprop(alpha=1e999)", "Adam(betas=[0.9])", "Adagrad", "Rprop",
    "mlp(width=4, depth=1000000)", "cnn(width=1000000000)", "resnet-18", "wrn-16-99999", "wrn-1000006-1", "mlp", "vit",
    "cosine(peak=1e999)", "one_cycle(peak=0.1)", "step(peak=0.1, every=0)", "table(rates=[])", "digits", "idx",
    "random(trials=2)", "random(trials=1000000000)", "grid", "seeds(count=2)", "seeds(count=1000000000)", "snapshots",
    "optuna(trials=2)", "optuna(trials=2, storage='/')", "fast_geometric", "crop(padding=1)", "crop(padding=1000000)",
    "cutout(size=-1)", "mixup(alpha=1e999)", "flip", "random_erasing", "greedy(size=1000000000)", "best", "nll",
    "choice(values=[])", "log_uniform(low=1e-5, high=1)", "log_uniform(low=1e-5, high=1e999)", "uniform(low=0, high=1)",
    "integers(low=1, high=1000000000000)", "integers(low=1, high=3)",
    "range_test(count=1000000000)", "range_test(count=2)",
)  # fmt: skip
SPACES = (
    '{"train.batch_size" = [8, 16]}', '{"model.width" = "integers(low=1, high=1000000000000)"}', '{"model" = []}',
    '{"policy.peak" = "log_uniform(low=0.01, high=0.1)"}', '{"train.seed" = [0, 1, 1]}', '{"data.name" = ["a"]}',
    '{"train.weight_decay" = "uniform(low=0, high=1e999)"}', '{"model.width" = [4, "x"]}', "{a = 1}", "{train = 1}",
    '{"train.epochs" = [1, 1000000000]}', '{one_cycle = {"policy.peak" = [0.1, 0.2]}}', "{nothing = {}}", "{}",
)  # fmt: skip


def tables(random: Random, place: Path, material: Material) -> Case:
    """One or two keys of an experiment replaced."""
    names = ("idx", "images", "parquet")
    material.lay_out(place, *names)
    source = random.choice(("idx", "images", "parquet"))
    experiment = (material.folder / f"{source}.toml").read_text()
    for _ in range(random.choice((1, 1, 2))):
        experiment = _changed(random, experiment)
    (place / "a.toml").write_bytes(experiment.encode("utf-8", "surrogateescape"))
    return Case("keys replaced", *_command(random))


def files(random: Random, place: Path, material: Material) -> Case:
    """An experiment's file damaged."""
    material.lay_out(place, "idx")
    path, how = place / "a.toml", random.choice(list(FILE_DAMAGES))
    path.write_text((material.folder / "idx.toml").read_text())
    if random.random() < 0.15:
        deep = random.choice((f"a = {'[' * 100_000}", f"a.{'b.' * 50_000}c = 1", f'x = "{"a" * 1_000_000}"', "a = 1\r"))
        path.write_text(f"{path.read_text()}\n{deep}")
        return Case("too deep, or too long", *_command(random))
    FILE_DAMAGES[how](path, random)
    return Case(f"a.toml: {how}", *_command(random))


def _command(random: Random) -> tuple[Arguments, tuple[str, ...], None, str, tuple[Arguments, ...], bool]:
    """Mostly up to the first step; now and then beyond it."""
    chance = random.random()
    if chance < 0.9:
        return ("-", "plan", "a.toml"), ("out",), None, "", (), False
    if chance < 0.97:
        return ("tune", "a.toml", "--out", "out/pool"), ("out",), None, "", (), True
    return ("range-test", "a.toml", "--steps", "20"), ("out",), None, "", (), True


def _changed(random: Random, experiment: str) -> str:
    """A key in its table, or a table of its own, with another value."""
    table = random.choice(list(KEYS))
    key = random.choice(KEYS[table])
    line = f"{key} = {_value(random)}"
    if not table:
        return f"{line}\n" + "\n".join(each for each in experiment.split("\n") if not each.startswith(f"{key} = "))
    if f"[{table}]" not in experiment:
        return f"{experiment}\n[{table}]\n{line}\n"
    kept = [each for each in experiment.split("\n") if not each.startswith(f"{key} = ")]
    place = kept.index(f"[{table}]")
    return "\n".join([*kept[: place + 1], line, *kept[place + 1 :]])


def _value(random: Random) -> str:
    chance = random.random()
    if chance < 0.35:
        given = number(random)
        return {"True": "true", "False": "false", "None": "'None'", "1e999": "inf", "-1e999": "nan"}.get(given, given)
    if chance < 0.7:
        return f'"{random.choice(SPECS)}"'
    if chance < 0.8:
        return random.choice(SPACES)
    if chance < 0.9:
        chosen = random.choices((*SPECS, *NUMBERS, "a"), k=random.randrange(4))
        return f"[{', '.join(repr(each) for each in chosen)}]"
    written = random.choice(TEXTS).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{written}"'
