"""Every registered figure is drawn of the records that it is for."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from lrensemble.errors import ReportError, SpecError
from lrensemble.evaluate import choose, evaluate, save, validation_of, write_result
from lrensemble.evaluate.variants.record import stored_variants
from lrensemble.export.compared import compare
from lrensemble.pool import Pool
from lrensemble.report import PLOTS
from lrensemble.report.report_data import ReportData
from lrensemble.report.sections.variants import variants
from lrensemble.select import select

plotly = pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def records(trained: Pool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a copy without the teams that other tests have chosen there."""
    folder, chosen = tmp_path_factory.mktemp("drawn") / "pool", shutil.ignore_patterns("selections", "result.json")
    pool = Pool.open(shutil.copytree(trained.folder, folder, ignore=chosen))
    team = choose(pool, "all")
    save(pool, team)
    result = evaluate(pool, [team])
    write_result(result, pool.folder / "result.json")
    compare(pool, ["cascade"], method="all")
    selection = select(validation_of(pool))
    return {"Pool": pool, "Team": team, "Result": result, "Selection": selection, "Member": pool.members()[0]}


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in PLOTS for kind in PLOTS.facts(name).of])
def test_it_is_drawn(name: str, kind: str, records: dict[str, Any]) -> None:
    record = records[kind]
    drawn = getattr(record.plot, name)()
    assert isinstance(drawn, plotly.graph_objects.Figure)
    assert drawn.data
    assert drawn == record.plot(name)
    assert name in dir(record.plot)
    assert name in repr(record.plot)


def test_the_first_is_drawn_unless_one_is_named(records: dict[str, Any]) -> None:
    assert records["Pool"].plot() == records["Pool"].plot("curves")


def test_the_bars_are_the_weights(records: dict[str, Any]) -> None:
    (bars,) = records["Team"].plot.weights().data
    assert list(bars.y) == list(records["Team"].weights)


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        (".html", b"<!doctype html>"),
        (".png", b"\x89PNG"),
        *(
            pytest.param(suffix, start, marks=pytest.mark.long)
            for suffix, start in ((".svg", b"<svg"), (".pdf", b"%PDF"))
        ),
    ],
)
def test_it_is_saved_in_every_format(records: dict[str, Any], tmp_path: Path, suffix: str, start: bytes) -> None:
    """As SVG and PDF the figures of a report are drawn by one function with these."""
    pytest.importorskip("kaleido")
    path = tmp_path / f"figure{suffix}"
    records["Result"].plot().save(str(path) if suffix == ".png" else path)
    assert path.read_bytes().startswith(start)
    assert len(list(tmp_path.iterdir())) == 1


def test_no_other_format_is_written(records: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"no figures as '.gif'; choose .html, .svg, .png, .pdf"):
        records["Result"].plot().save(tmp_path / "figure.gif")
    assert not list(tmp_path.iterdir())


def test_what_there_is_not_is_told(records: dict[str, Any], hostile: Pool) -> None:
    with pytest.raises(SpecError, match="no figure named 'curve' of a Pool; did you mean 'curves'"):
        records["Pool"].plot("curve")
    with pytest.raises(AttributeError, match="no figure named 'weights'; there are curves"):
        records["Pool"].plot.weights  # noqa: B018
    with pytest.raises(ReportError, match="has no history"):
        hostile.members()[0].plot()
    with pytest.raises(ReportError, match="is not evaluated yet"):
        hostile.plot.price()
    assert not list(Path(hostile.folder).glob("looks/*")), "nothing is evaluated for a figure"


def test_variants_stand_on_the_page_once_they_are_compared(records: dict[str, Any], trained: Pool) -> None:
    found = stored_variants(records["Pool"])
    assert found is not None
    section = variants(ReportData(records["Pool"], records["Result"]))
    assert section is not None
    assert section.title == "Cheaper than the team"
    assert [row[0] for row in section.tables[0].rows] == [each.what for each in found.variants]
    assert variants(ReportData(trained, records["Result"])) is None
    with pytest.raises(ReportError, match="has no comparison of its members; make one with lrensemble export"):
        trained.plot.variants()


def test_points_and_bars_of_variants(records: dict[str, Any]) -> None:
    found = stored_variants(records["Pool"])
    assert found is not None
    drawn = records["Pool"].plot.variants()
    for trace, each in zip(drawn.data, found.variants, strict=True):
        assert each.test is not None
        assert each.latency is not None
        assert trace.y[0] == pytest.approx(100 * (each.test.accuracy or 0), abs=1e-3)
        assert trace.x[0] == pytest.approx(each.latency.ratio, abs=1e-3)
    gain = found.variants[1].gain["accuracy"]
    assert gain.adjusted_high is not None
    assert drawn.data[1].error_y.array[0] == pytest.approx(100 * (gain.adjusted_high - gain.value), abs=1e-3)
    assert drawn.layout.shapes[0].y0 == drawn.data[0].y[0]
