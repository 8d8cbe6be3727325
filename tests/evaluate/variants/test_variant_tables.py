"""The table says what a variant scores, gains and costs, and what was not made; a number that nobody knows is empty."""

from lrensemble.evaluate.gain import Gain
from lrensemble.evaluate.result import Scores
from lrensemble.evaluate.variants.record import Latency, VariantComparison, VariantResult
from lrensemble.evaluate.variants.tables import sentences, short_table, variants_table


def gain(value: float) -> Gain:
    adjusted = {"adjusted_low": value - 0.02, "adjusted_high": value + 0.02, "adjusted_p": 0.031}
    return Gain(value=value, low=value - 0.01, high=value + 0.01, p_value=0.01, rows=70, **adjusted)


def comparison(*variants: VariantResult) -> VariantComparison:
    single = VariantResult(name="best single", what="m0, the best", test=Scores(accuracy=0.9, nll=0.5), networks=1)
    return VariantComparison(
        task="toy",
        split="test:v2",
        rows=1234,
        looks=3,
        method="greedy",
        metric="nll",
        headline="accuracy",
        batch=64,
        inputs="val",
        device="cpu",
        threads=1,
        variants=(single, *variants),
        members=("a", "b"),
        fingerprints={},
        environment={},
    )


CASCADE = VariantResult(
    name="cascade",
    what="a cascade of a team of 6",
    test=Scores(accuracy=0.95, nll=0.4),
    gain={"accuracy": gain(0.05), "nll": gain(0.1)},
    gain_over_team={"accuracy": gain(-0.01)},
    kind="better",
    networks=6,
    runs=1.75,
    parameters=6000,
    bytes=24_000_000,
    latency=Latency(seconds=0.0123, ratio=2.5),
)
SOUP = VariantResult(name="greedy-soup", what="greedy-soup", not_made="no valley")


def test_every_cell() -> None:
    table = variants_table(comparison(CASCADE, SOUP))
    assert len(set(table.headings)) == len(table.headings) == len(table.rows[0]), "headings are the names of columns"
    single, cascade, soup = (dict(zip(table.headings[-6:], row[-6:], strict=True)) for row in table.rows)
    assert table.rows[1][:7] == (
        "a cascade of a team of 6",
        "95.00",
        "+5.00 (+3.00 … +7.00), p 0.031",
        "-1.00 (-3.00 … +1.00), p 0.031",
        "0.4000",
        "+0.1000 (+0.0800 … +0.1200), p 0.031",
        "",
    )
    assert list(cascade.values()) == ["1.75 of 6", "6,000", "24.00", "12.30", "2.50", "better"]
    assert list(single.values()) == ["1", "", "", "", "", ""]
    assert list(soup.values()) == ["", "", "", "", "", "not made: no valley"]
    assert table.rows[2][:3] == ("greedy-soup", "–", "")
    assert table.title == (
        "toy: variants of greedy on 1,234 rows of v2, look 3 at them; gains with 95 % interval and p; ms for "
        "64 rows at once, on 1 thread of the CPU, all in turns, medians"
    )


def test_the_short_one_fits_a_terminal() -> None:
    table = short_table(comparison(CASCADE, SOUP))
    assert table.rows[1] == ("cascade", "95.00", "+5.00", "+3.00 … +7.00", "1.75", "24.00", "2.50", "better")
    assert table.rows[2] == ("greedy-soup", "–", "", "", "", "", "", "not made")


def test_one_that_is_no_better_is_said_to_be_so() -> None:
    same = CASCADE.model_copy(update={"kind": "the same", "what": "a greedy soup of 1 member"})
    undecided = CASCADE.model_copy(update={"kind": "no reliable difference"})
    assert sentences(comparison(CASCADE, undecided, same, SOUP)) == [
        "A cascade of a team of 6: better than the best single model in NLL.",
        "A cascade of a team of 6: no better than the best single model in NLL, as far as these rows tell.",
        "A greedy soup of 1 member: it is the best single model.",
        "Not made, greedy-soup: no valley",
    ]
