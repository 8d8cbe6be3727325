"""What a member was made with: which differences decide its bits, and what earlier versions recorded of it."""

import json
from pathlib import Path

import pytest

from lrensemble.files import seal
from lrensemble.pool import MadeWith, Pool
from lrensemble.pool.made_with import of_environment

PAST = Path(__file__).parent / "past" / "1"

ENVIRONMENT = {
    "python": "3.11.7",
    "lrensemble": "0.1.0",
    "torch": "2.4.0",
    "system": "Linux 6.1",
    "machine": "x86_64",
    "processor": "AMD EPYC",
    "cores": 2,
    "device": "cpu",
    "threads": 2,
    "execution": "fused",
    "group_size": 8,
}
"""As the version before wrote it."""

MADE = MadeWith(execution="one-by-one", threads=1, device="cpu", processor="AMD EPYC", versions={"torch": "2.4.0"})


def test_what_earlier_versions_recorded() -> None:
    made = MadeWith.model_validate(of_environment(ENVIRONMENT))
    assert made == MadeWith(
        execution="fused",
        group_size=8,
        threads=2,
        device="cpu",
        system="Linux 6.1",
        machine="x86_64",
        processor="AMD EPYC",
        cores=2,
        versions={"python": "3.11.7", "lrensemble": "0.1.0", "torch": "2.4.0"},
    )
    assert of_environment({}) is None, "of a member that was trained elsewhere"
    assert of_environment(made.model_dump()) == made.model_dump(), "today's form"


@pytest.mark.parametrize("environment", [ENVIRONMENT, {}])
def test_a_member_of_an_earlier_version_opens(tmp_path: Path, environment: dict[str, object]) -> None:
    folder = PAST / "labels"
    for path in (each for each in folder.rglob("*") if each.is_file()):
        (tmp_path / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path.relative_to(folder)).write_bytes(path.read_bytes())
    path = tmp_path / "members" / "77fa27169c13" / "member.json"
    content = json.loads(path.read_text())
    own = {key: value for key, value in content.items() if key not in ("format", "checksum")}
    path.write_bytes(seal({**own, "environment": environment}))
    (member,) = [each for each in Pool.open(tmp_path).members() if each.id == "77fa27169c13"]
    assert (member.made_with is None) == (not environment)
    assert member.made_with is None or member.made_with.group_size == 8
    assert "made_with" in member.record()
    assert "environment" not in member.record()


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        ({}, {}),
        ({"execution": "workers"}, {}),
        ({"cores": 64, "system": "Linux 6.2"}, {}),
        ({"versions": {"torch": "2.4.0", "numba": "0.60"}}, {}),
        ({"instructions": "AVX2"}, {}),  # the other does not know it
        ({"threads": 2}, {"threads": ("1", "2")}),
        ({"tf32": True}, {"tf32": ("False", "True")}),
        ({"deterministic": True}, {"deterministic": ("False", "True")}),
        ({"processor": "Xeon"}, {"processor": ("AMD EPYC", "Xeon")}),
        ({"versions": {"torch": "2.5.0"}}, {"torch": ("2.4.0", "2.5.0")}),
        (
            {"execution": "fused", "group_size": 2, "group": ("b", "a")},
            {"way": ("alone", "in a group of 2 (b, a)")},
        ),
    ],
)
def test_what_decides_bits(change: dict[str, object], differences: dict[str, tuple[str, str]]) -> None:
    other = MADE.model_copy(update=change)
    assert MADE.differences(other) == differences
    assert other.differences(MADE) == {name: (now, then) for name, (then, now) in differences.items()}


def test_another_place_in_the_group_is_another_way() -> None:
    first, second = (MadeWith(execution="fused", group_size=2, group=group) for group in (("a", "b"), ("b", "a")))
    assert first.differences(second) == {"way": ("in a group of 2 (a, b)", "in a group of 2 (b, a)")}
