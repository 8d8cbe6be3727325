"""Values that nobody expects: numbers, texts, names of files."""

from __future__ import annotations

from random import Random

NUMBERS = (
    "0", "1", "2", "3", "-1", "0.5", "0.1", "-0.0", "1e-300", "5e-324", "1e300", "1e308", "1e999", "-1e999",
    "1000000000", "10000000000000000000", "-9223372036854775809", "4294967296", "2147483648", "1000", "100000",
    "1" + "0" * 400, "9" * 5000, "0x10", "1_000", "1j", "0.30000000000000004", "True", "False", "None",
)  # fmt: skip
SMALL = ("1", "2", "3", "4", "0.5", "0.1", "0.01", "True", "False", "None", "10")
TEXTS = (
    "", " ", "-", "--", "nan", "inf", "-inf", "NaN", "null", "a", "a" * 255, "a" * 256, "a" * 5000, "a/b", "../a", "..",
    ".", "a\nb", "a\tb", "\x1b[31mred", "\u202eabc", "é", "日本", "\udcff\udc80", "name", "a:b", "os:system", "=1+1",
    "[bold]a[/bold]", "{x}", "%s", "'", '"', "\\", "(", "f(", "a,b", "🦙", "con", "a\x07b", "\x9b31m", "\u2028",
)  # fmt: skip
PLACES = (
    "beside/keep.txt", "beside/folder", "nothing", "out", "out/a", "out/a/b/c", "idx.toml", "run", "run/pool", "", ".",
    "a" * 255, "a" * 256, "out/" + "b" * 255, "out/" + "c/" * 200 + "d", "out/é", "out/\udcff\udc80", "\udcff.npz",
    "out/a.json", "out/a.csv", "out/a.parquet", "logits.npz", "ensemble", "collected", "x.npz", "members", "loop",
    "run/pool/members", "run/result.json", "out/\x1b[31m", "out/ ", "out/a b", "-x", "out/%s", "out/[b]", "out/a\nb",
)  # fmt: skip


def number(random: Random) -> str:
    """A number as it is written; small ones as often as others."""
    return random.choice(SMALL if random.random() < 0.5 else NUMBERS)


def quoted(random: Random) -> str:
    """A text as a spec holds it."""
    return repr(random.choice(TEXTS))


def value(random: Random, deep: int = 2) -> str:
    """Anything that may stand behind a `key=`."""
    chance = random.random()
    if chance < 0.6:
        return number(random)
    if chance < 0.75:
        return quoted(random)
    if chance < 0.9 and deep:
        return f"[{', '.join(value(random, deep - 1) for _ in range(random.randrange(4)))}]"
    if chance < 0.96:
        return f"{random.choice(('mlp', 'cosine', 'mean', 'f', 'a.b:c'))}({argument(random, deep - 1) if deep else ''})"
    return random.choice(
        ("x", "1 +", "{}", "lambda: 0", "__import__('os')", "-", "", "[" * 300, "-" * 3000 + "1", "...")
    )


def argument(random: Random, deep: int = 2) -> str:
    """`key=value`."""
    key = random.choice(("name", "peak", "width", "size", "a", "self", "class", "total", "seed", "_hidden_", "é", "1"))
    return f"{key}={value(random, deep)}"
