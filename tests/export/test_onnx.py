"""What ONNX Runtime and a bare torch compute from the files is what the ensemble says, for any number of rows."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.conftest import Python
from tests.export.conftest import CLASSES
from torch import Tensor, nn

from lrensemble.consensus import CONSENSUS, combine, fit
from lrensemble.errors import ExportError, UnknownNameError
from lrensemble.export import FORMATS, Ensemble
from lrensemble.export.onnx import TOLERANCE, export_onnx
from lrensemble.export.torch_program import export_torch
from lrensemble.export.trace import answers, example_inputs, traceable
from lrensemble.export.traced import traced
from lrensemble.metrics import serving

ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'lrensemble[onnx]'")

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


@pytest.fixture(scope="module")
def light(ensemble: Ensemble) -> Ensemble:
    """The ensemble with one layer in the place of each network: tracing networks takes most of the time."""
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Flatten(), nn.Linear(60, len(CLASSES))) for _ in ensemble.members]
    return Ensemble(layers, ensemble.description)


@pytest.fixture(scope="module")
def single(ensemble: Ensemble) -> Ensemble:
    """Its smallest network alone, for what has nothing to do with how many there are."""
    (place,) = [place for place, part in enumerate(ensemble.description.parts) if "mlp" in part.name][:1]
    parts = {"parts": (ensemble.description.parts[place],), "weights": (1.0,)}
    return Ensemble([ensemble.members[place]], ensemble.description.model_copy(update=parts))


@pytest.fixture(scope="module")
def program(ensemble: Ensemble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of torch of all members."""
    path = tmp_path_factory.mktemp("program") / "ensemble.pt2"
    export_torch(ensemble, path)
    return path


def with_consensus(ensemble: Ensemble, name: str, images: Images) -> Ensemble:
    """The ensemble under another consensus, fitted on the images, with weights that differ."""
    weights = (0.5, 0.25, 0.25, 0.125)
    probs = ensemble.member_log_probs(torch.from_numpy(images[0])).double().exp().numpy()
    fitted = fit(name, probs, images[1], np.array(weights))
    changes = {"consensus": fitted, "weights": weights}
    return Ensemble(list(ensemble.members), ensemble.description.model_copy(update=changes))


class Programs(nn.Module):
    """Ensembles of the same networks as one program, in which the networks are traced once."""

    def __init__(self, ensembles: Sequence[Ensemble]) -> None:
        super().__init__()
        self.networks = traceable(ensembles[0]).ensemble
        self.descriptions = [ensemble.description for ensemble in ensembles]

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        said = self.networks.said(inputs)
        combined = [(combine(each.consensus, said, each.weights), each) for each in self.descriptions]
        return tuple(output for found, description in combined for output in answers(found, description))


def test_every_consensus_gives_the_same_in_onnx_runtime(
    light: Ensemble, images: Images, subtests: pytest.Subtests
) -> None:
    others = {name: with_consensus(light, name, images) for name in serving(CONSENSUS, "classes")}
    names = [f"{name} {output}" for name in others for output in ("probabilities", "label")]
    content = traced(Programs(list(others.values())), (example_inputs(light, 5),), ["inputs"], names)
    session = ort.InferenceSession(content)
    for rows in (1, 3, len(images[0])):
        given = images[0][:rows]
        found = dict(zip(names, session.run(names, {"inputs": given}), strict=True))
        for name, other in others.items():
            with subtests.test(name, rows=rows):
                np.testing.assert_allclose(
                    found[f"{name} probabilities"], other.predict_proba(given), rtol=0, atol=TOLERANCE
                )
                np.testing.assert_array_equal(np.array(CLASSES)[found[f"{name} label"]], other.predict(given))


def test_an_ensemble_gives_the_same_in_onnx_runtime(ensemble: Ensemble, images: Images, tmp_path: Path) -> None:
    other = with_consensus(ensemble, "accuracy_weighted", images)
    export_onnx(other, tmp_path / "ensemble.onnx")
    session = ort.InferenceSession(tmp_path / "ensemble.onnx")
    assert [entry.name for entry in (*session.get_inputs(), *session.get_outputs())] == [
        "inputs",
        "probabilities",
        "label",
    ]
    for rows in (1, 3, len(images[0])):
        probs, label = session.run(None, {"inputs": images[0][:rows]})
        expected = other.predict_proba(images[0][:rows])
        np.testing.assert_allclose(probs, expected, rtol=0, atol=TOLERANCE)
        np.testing.assert_array_equal(np.array(CLASSES)[label], other.predict(images[0][:rows]))


BARE = """
import sys
for name in [name for name in sys.modules if name.partition(".")[0] == "lrensemble"]:
    del sys.modules[name]
import numpy as np, torch
program = torch.export.load(sys.argv[1]).module()
inputs = torch.from_numpy(np.load(sys.argv[2]))
np.save(sys.argv[3], np.concatenate([program(inputs[:1])[0].numpy(), program(inputs[1:])[0].numpy()]))
assert not [name for name in sys.modules if name.partition(".")[0] == "lrensemble"]
"""


def test_a_torch_file_runs_without_this_library(
    program: Path, ensemble: Ensemble, images: Images, tmp_path: Path, python: Python
) -> None:
    np.save(tmp_path / "inputs.npy", images[0])
    done = python("-W", "ignore", "-c", BARE, program, tmp_path / "inputs.npy", tmp_path / "out.npy")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), ensemble.predict_proba(images[0]), rtol=0, atol=1e-6)


def test_a_torch_file_holds_no_pickle(program: Path) -> None:
    with zipfile.ZipFile(program) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert [name for name, content in contents.items() if content[:1] == b"\x80" or content[:2] == b"PK"] == []


class Undecided(nn.Module):
    """Its path depends on its data, which no tracer can follow."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(60, len(CLASSES))

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.layer(inputs.flatten(1))
        return logits if bool(logits.sum() > 0) else -logits


class Rounded(nn.Module):
    """It blows tiny differences up: the last bits of a sine decide."""

    def forward(self, inputs: Tensor) -> Tensor:
        flat = inputs.flatten(1)[:, : len(CLASSES)]
        return torch.round(1e7 * flat.sin()) % 7


@pytest.mark.parametrize("export", [export_onnx, export_torch])
def test_a_network_that_cannot_be_traced_is_refused(
    ensemble: Ensemble, tmp_path: Path, export: Callable[[Ensemble, Path], None]
) -> None:
    parts = {"parts": ensemble.description.parts[:1], "weights": (1.0,)}
    other = Ensemble([Undecided()], ensemble.description.model_copy(update=parts))
    with pytest.raises(ExportError, match=r"cannot be (traced by torch|written as ONNX): .*; use the bundle"):
        export(other, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_differs_is_refused(ensemble: Ensemble, tmp_path: Path) -> None:
    parts = {"parts": ensemble.description.parts[:1], "weights": (1.0,)}
    other = Ensemble([Rounded()], ensemble.description.model_copy(update=parts))
    with pytest.raises(ExportError, match=r"differs from torch by .* at most 1e-05 is accepted"):
        export_onnx(other, tmp_path / "ensemble.onnx")
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, signal, sys
from pathlib import Path
from lrensemble.errors import StorageError
from lrensemble.export import FORMATS, Ensemble
ensemble = Ensemble.load(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
try:
    FORMATS.call(sys.argv[2], ensemble, Path(sys.argv[3]))
except StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["onnx", "torch", "bundle"])
def test_a_full_disk_leaves_nothing_behind(single: Ensemble, tmp_path: Path, name: str, python: Python) -> None:
    single.save(tmp_path / "bundle")
    (tmp_path / "full").mkdir()
    result = python("-W", "ignore", "-c", FULL, tmp_path / "bundle", name, tmp_path / "full/out")
    assert result.stdout.startswith("cannot write ")
    assert result.stdout.endswith("File too large\n")
    assert list((tmp_path / "full").iterdir()) == []


@pytest.mark.parametrize("name", ["onnx", "torch", "bundle"])
def test_what_is_there_is_not_written_over(ensemble: Ensemble, tmp_path: Path, name: str) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(Exception, match=r"is there already|Not a directory|File exists"):
        FORMATS.call(name, ensemble, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_an_unknown_format() -> None:
    with pytest.raises(UnknownNameError, match=r"no format named 'onx'; did you mean 'onnx'\? \(known: ") as refused:
        FORMATS.check("onx")
    assert all(f" {name}," in str(refused.value) for name in ("bundle", "adapter", "merged", "onnx", "torch", "team"))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, python: Python) -> None:
    script = f"""
import sys
sys.modules["onnxruntime"] = None
from pathlib import Path
from lrensemble.errors import MissingExtraError
from lrensemble.export.onnx import export_onnx
try:
    export_onnx(None, Path({str(tmp_path / "a.onnx")!r}))
except MissingExtraError as error:
    print(error)
"""
    result = python("-c", script)
    assert result.stdout == "an ONNX file needs onnxruntime: pip install 'lrensemble[onnx]'\n"
