"""Every link of the README and the pages leads somewhere: to a file, a page that is generated, and a heading of it."""

import re
from pathlib import Path

import pytest

from generate.pages import navigation

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
GENERATED = {path for entry in navigation() for path in entry.values()}


def prose(page: Path) -> str:
    """The text without blocks of code and code spans."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`", "", text)


def links(page: Path) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub and MkDocs both name them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def fault(page: Path, link: str) -> str:
    """What is wrong with a link; empty where it leads somewhere."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    generated = target.is_relative_to(DOCS) and target.relative_to(DOCS).as_posix() in GENERATED
    if not target.exists():
        return "" if generated and page.is_relative_to(DOCS) else f"{page.name}: {link} is not there"
    if page.is_relative_to(DOCS) and not target.is_relative_to(DOCS):
        return f"{page.name}: {link} is no page of the site"
    return f"{page.name}: no heading for {link}" if anchor and anchor not in anchors(target) else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(filter(None, (fault(page, link) for link in links(page)))) == []


@pytest.mark.parametrize(
    "link", ["docs/nowhere.md", "docs/index.md#nowhere", "#nowhere", "docs/reference/selectors.md", "tests/nowhere"]
)
def test_a_link_to_nowhere_is_seen(link: str) -> None:
    assert fault(ROOT / "README.md", link)
