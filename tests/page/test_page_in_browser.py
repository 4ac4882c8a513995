"""What the page shows, in a real browser: markup in texts, themes, forms, guards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anystream.specification import AsyncAPI, get_asyncapi_html
from tests.adapters.serving import child, free_port, wait_until_answering
from tests.page.apps import EVIL, WORSE, hostile, various
from tests.page.browser import Visit, chromium

pytestmark = [pytest.mark.slow, pytest.mark.memory]

VERSIONS = pytest.mark.parametrize("version", ["3.0.0", "2.6.0"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests here."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: Any) -> Iterator[str]:
    """Where the applications are served."""
    port, log = free_port(), tmp_path_factory.mktemp("page") / "log"
    with child("tests.page.apps", str(port), log=log) as process:
        try:
            wait_until_answering(process, port)
        except Exception as error:
            raise RuntimeError(log.read_text()) from error
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """A new look, with nothing remembered."""
    visit = Visit(browser)
    yield visit
    visit.close()


@VERSIONS
def test_script_in_texts_does_not_run(visit: Visit, address: str, version: str) -> None:
    """Titles and descriptions are shown as text; nothing runs, and nothing is complained of."""
    visit.open(f"{address}/hostile/{version}/")
    assert visit.page.title() == f"{EVIL} AsyncAPI"
    assert visit.page.evaluate("window.hacked") is None
    place = visit.form()
    assert EVIL in visit.send(place)
    assert visit.page.evaluate("window.hacked") is None
    assert visit.errors == []


@VERSIONS
def test_other_markup_does_not_run(visit: Visit, address: str, version: str) -> None:
    """Event handlers and script links in texts are dead, too."""
    visit.open(f"{address}/worse/{version}/")
    assert visit.page.title() == f"{WORSE} AsyncAPI"
    assert visit.page.evaluate("window.hacked") is None
    assert visit.page.locator("a[href^=javascript]").count() == 0


@VERSIONS
def test_all_kinds_of_channels(visit: Visit, address: str, version: str) -> None:
    """Recursive models, parameters, odd titles and many channels are shown, each with a form."""
    visit.open(f"{address}/various/{version}/")
    page = visit.page
    assert page.locator(".anystream-try").count() == 10
    place = visit.form(0)
    assert '"name": "root"' in place.locator("textarea").input_value()
    assert '"root"' in visit.send(place)
    if version == "3.0.0":
        assert place.locator("input[name=level]").input_value() == "level"
    several = visit.form(1)
    assert "HTTP 200" in visit.send(several)
    assert visit.errors == []


def shade(visit: Visit) -> int:
    """How light the page is, from 0."""
    color = visit.page.locator(".aui-root").evaluate("it => getComputedStyle(it).backgroundColor")
    if color == "rgba(0, 0, 0, 0)":  # that of the body
        color = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return int(color.rpartition("(")[2].split(",")[0])


@pytest.mark.parametrize(("scheme", "other"), [("dark", "light"), ("light", "dark")])
def test_dark_and_light(browser: Any, address: str, scheme: Any, other: str) -> None:
    """The page follows the system until the reader chooses, and remembers that."""
    visit = Visit(browser, color_scheme=scheme)
    try:
        visit.open(f"{address}/less/")
        assert (shade(visit) < 100) == (scheme == "dark")
        visit.page.locator("#anystream-theme").click()
        assert (shade(visit) < 100) == (other == "dark")
        visit.open(f"{address}/less/")
        assert visit.page.evaluate("document.documentElement.dataset.theme") == other
        assert visit.errors == []
    finally:
        visit.close()


def test_parts_can_be_left_out(visit: Visit, address: str) -> None:
    """Options and the query of the URL take parts away."""
    visit.open(f"{address}/less/")
    text = visit.page.locator(".aui-root").inner_text()
    assert "Servers" not in text
    assert "Schemas" in text
    assert visit.page.locator(".anystream-try").count() == 0
    visit.open(f"{address}/less/?schemas=0&servers=yes&info=false")
    text = visit.page.locator(".aui-root").inner_text()
    assert "Schemas" not in text
    assert "Servers" in text
    assert visit.errors == []


def test_real_broker_is_a_choice(visit: Visit, address: str) -> None:
    """Where it is switched on there is a box; the broker says here that it is not started."""
    visit.open(f"{address}/real/")
    place = visit.form(2)
    assert '"ok"' in visit.send(place) or "ok" in visit.send(place)
    place.locator("input[type=checkbox]").check()
    assert "is not connected" in visit.send(place)
    visit.open(f"{address}/various/3.0.0/")
    assert visit.form().locator("input[type=checkbox]").count() == 0


def test_basic_authentication(browser: Any, address: str) -> None:
    """The browser sends the name to the page, its files and its form."""
    credentials = {"username": "ann", "password": "secret"}
    visit = Visit(browser, http_credentials=credentials)
    try:
        visit.open(f"{address}/guarded/")
        assert "HTTP 200" in visit.send(visit.form(2))
        assert visit.errors == []
    finally:
        visit.close()
    stranger = Visit(browser)
    try:
        assert stranger.page.request.get(f"{address}/guarded/").status == 401
    finally:
        stranger.close()


@VERSIONS
def test_page_in_one_file(visit: Visit, tmp_path: Path, version: str) -> None:
    """`get_asyncapi_html` makes a file that needs nothing else, whatever is in its texts."""
    source = AsyncAPI(hostile(EVIL), various(), title=EVIL, schema_version=version)
    file = tmp_path / "page.html"
    file.write_text(get_asyncapi_html(source.to_specification(), try_it_out_path=None))
    visit.open(file.as_uri())
    assert visit.page.title() == f"{EVIL} AsyncAPI"
    assert "many.7" in visit.page.locator(".aui-root").inner_text()
    assert visit.page.locator(".anystream-try").count() == 0
    assert visit.page.evaluate("window.hacked") is None
    assert visit.errors == []
    assert visit.urls == [file.as_uri()]
