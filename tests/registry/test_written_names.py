"""Names that are read from the source are those that are registered, and reading them loads nothing."""

import json
import subprocess
import sys

import pytest
from tests.conftest import Python

from lrensemble.errors import UnknownNameError
from lrensemble.registry import HOMES, registry_of, written_keys, written_names
from lrensemble.train.execution.jobs import COST_RULES

READ = """
import json, sys
from lrensemble.registry import HOMES, written_names

print(json.dumps([{plural: written_names(plural) for plural in HOMES}, sorted(sys.modules)]))
"""
REGISTERED = """
import json
from lrensemble.registry import HOMES, registry_of

print(json.dumps({plural: sorted(registry_of(plural).names()) for plural in HOMES}))
"""


def test_they_are_those_that_are_registered(python: Python) -> None:
    """An interpreter that has imported nothing reads those of every kind; here other tests have registered theirs."""
    done = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=True)
    read, modules = json.loads(done.stdout)
    assert read == json.loads(python("-c", REGISTERED).stdout)
    assert read.keys() == HOMES.keys()
    assert not {"torch", "numba", "scipy", "sklearn", "plotly", "transformers", "optuna"} & set(modules)
    homes = {home for home in HOMES.values() if home in modules}
    assert homes == {"lrensemble.policies"}, "only policies register by a decorator of their own"


def test_a_registry_that_is_there_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry_of("metrics")._aliases, "of_a_plugin", "nll")
    assert "of_a_plugin" in written_names("metrics")


def test_an_unknown_kind() -> None:
    with pytest.raises(UnknownNameError, match=r"no kind of name 'metric'; did you mean 'metrics'\?"):
        written_names("metric")


def test_executions_are_read_as_they_are_known() -> None:
    assert written_keys("lrensemble.train.execution.jobs", "COST_RULES") == list(COST_RULES)
    with pytest.raises(KeyError, match="has no dictionary RULES"):
        written_keys("lrensemble.train.execution.jobs", "RULES")
