"""The server: what it answers, to whom, and that all viewers have the last state and end with it."""

import http.client
import re
import shutil
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.report.live.serving import Viewer, served
from tests.report.pages import collapsed_pool

from lrensemble.pool import MemberRecord, Pool
from lrensemble.report.live.server import names_of


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return collapsed_pool(tmp_path / "pool")


def answer(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=180)
    connection.request(method, path, headers=headers)
    found = connection.getresponse()
    content = found.read()
    connection.close()
    return found.status, {name.lower(): value for name, value in found.getheaders()}, content


def test_it_answers_what_a_browser_asks_and_nothing_else(pool: Pool) -> None:
    with served(pool.folder, pool.folder.parent / "another") as address:
        status, headers, content = answer(address, "/")
        assert status == 200
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert b"connect-src 'self'" in content
        assert b"/plotly.js" in content
        assert len(content) < 100_000
        assert answer(address, "/2")[0] == 200, "the comparison, and each of the two"
        assert answer(address, "/events/0", "HEAD")[::2] == (200, b"")
        script = answer(address, "/plotly.js")
        assert script[0] == 200
        assert b"plotly.js" in script[2][:200]
        for path in (
            "/3",
            "/-1",
            "/events/3",
            "/pool.json",
            "/members/m0/member.json",
            "/../pool/pool.json",
            "/%2e%2e/x",
        ):
            assert answer(address, path)[0] == 404, path
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert answer(address, "/", method)[0] == 405
            assert answer(address, "/events/0", method)[0] == 405


def test_a_name_of_another_host_that_leads_here_is_refused(pool: Pool) -> None:
    with served(pool.folder) as address:
        port = address.rpartition(":")[2]
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", f"192.168.0.1:{port}", ""):
            assert answer(address, "/", Host=host)[0] == 400, host
            assert answer(address, "/events/0", Host=host)[0] == 400, host
        assert answer(address, "/", Host=f"localhost:{port}")[0] == 200


@pytest.mark.parametrize("count", [15, pytest.param(100, marks=pytest.mark.long)])
def test_all_viewers_have_the_last_state_and_end_with_the_server(pool: Pool, count: int) -> None:
    with ExitStack() as open_ones:
        with served(pool.folder) as address:
            viewers = [open_ones.enter_context(closing(Viewer(address))) for _ in range(count)]
            for number in range(3):
                viewers[0].until(f"late-{number - 1}" if number else "5 members so far")
                pool.add(MemberRecord(id=f"late{number}", order=20 + number, name=f"late-{number}", status="diverged"))
            pages = [viewer.until("late-2") for viewer in viewers]
            assert set(pages) == {pages[0]}
            assert "late-0" in pages[0]
            again = open_ones.enter_context(closing(Viewer(address, viewers[0])))
            pool.add(MemberRecord(id="last", order=30, name="late-3", status="diverged"))
            while "section-members" not in again.told:
                again.read()
            assert "section-the-best-team-so-far" not in again.told, "who comes again is told what changed"
        for viewer in (*viewers, again):
            assert viewer.rest().endswith(b"0\r\n\r\n"), "the stream was ended, not cut"


def test_several_pools_are_compared_as_they_come_grow_and_go(tmp_path: Path) -> None:
    first, second = collapsed_pool(tmp_path / "first").folder, tmp_path / "second"
    with served(first, second) as address, closing(Viewer(address)) as viewer:
        page = viewer.until("Pools of hand")
        assert viewer.page["title"] == "2 pools, compared"
        assert cells(page, "first")[:4] == ["first", "not evaluated yet", "5", "1"]
        assert cells(page, "first")[4] == "NLL"
        assert cells(page, "second")[:2] == ["second", "no pool yet"]
        collapsed_pool(second)
        while cells("\n".join(viewer.parts.values()), "second")[2] != "5":
            viewer.read()
        page = "\n".join(viewer.parts.values())
        assert cells(page, "second")[4:] == cells(page, "first")[4:], "the same members, the same scores"
        shutil.rmtree(second)
        while cells("\n".join(viewer.parts.values()), "second")[1] != "removed":
            viewer.read()
        with closing(Viewer(address, page=1)) as own:
            own.until("5 members so far")
        assert b'href="/2"' in answer(address, "/1")[2]


def cells(page: str, name: str) -> list[str]:
    """Text of the first row whose first cell has a text."""
    rows = [re.findall(r"<t[dh]\b[^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    found = [[re.sub("<.*?>", "", cell).strip() for cell in row] for row in rows]
    return next(row for row in found if row[:1] == [name])


def test_pools_are_named_by_their_folders_unless_two_have_the_same() -> None:
    assert names_of([Path("/x/runs/a/pool"), Path("/x/runs/b/pool"), Path("/x/c")]) == ["a/pool", "b/pool", "c"]
    assert names_of([Path("/x/a"), Path("/y/a")]) == ["/x/a", "/y/a"]
