"""Every generated page, by its path in the site: from the registries, the records, the command line and the source."""

from __future__ import annotations

from generate.commands import commands_page
from generate.curves import curve
from generate.experiment import experiment_page, study_page
from generate.house import house_page
from generate.names import names_page
from generate.outputs import outputs_page, schemas
from generate.python import python_page
from lrensemble.registry import HOMES, registry_of

FOLDER = "reference"
PICTURED = "policies"
"""The kind whose names are shown with a picture."""


def navigation() -> list[dict[str, str]]:
    """Titles and paths of the pages, in the order of the navigation."""
    titles = {
        "The experiment file": "experiment",
        "The study file": "study",
        "Commands": "commands",
        "JSON output": "json",
        **{registry_of(kind).title: kind for kind in HOMES},
        "Python": "python",
        "The house": "house",
    }
    return [{title: f"{FOLDER}/{page}.md"} for title, page in titles.items()]


def pages() -> dict[str, str]:
    """Content of every generated file, by its path."""
    curves = {name: curve(name) for name in registry_of(PICTURED)}
    made = {
        "experiment.md": experiment_page(),
        "study.md": study_page(),
        "commands.md": commands_page(),
        "json.md": outputs_page(),
        **{f"schemas/{verb}.json": schema for verb, schema in schemas().items()},
        **{f"{kind}.md": names_page(kind, curves if kind == PICTURED else {}) for kind in HOMES},
        **{f"curves/{name}.svg": picture for name, picture in curves.items()},
        "python.md": python_page(),
        "house.md": house_page(),
    }
    return {f"{FOLDER}/{path}": content for path, content in made.items()}
