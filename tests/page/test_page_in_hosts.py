"""The page in a real browser, in each of the eight hosts, and behind a proxy's prefix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from docs_src.demo.main import HOSTS
from tests.adapters.serving import child, free_port, wait_until_answering
from tests.page.browser import Visit, chromium

pytestmark = [pytest.mark.slow, pytest.mark.memory]

PREFIX = "/shop/v1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests here."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module", params=HOSTS)
def addresses(request: Any, tmp_path_factory: Any) -> Iterator[dict[str, str]]:
    """The demo in one host: its address, and that behind the proxy."""
    folder = tmp_path_factory.mktemp(request.param)
    port, proxy_port = free_port(), free_port()
    target = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        for name, log, at in (
            ("docs_src.demo.main", "host.log", port),
            ("tests.page.proxy", "proxy.log", proxy_port),
        ):
            arguments = [request.param, "memory", "--port", str(port)]
            if name == "tests.page.proxy":
                arguments = [str(proxy_port), PREFIX, target]
            process = stack.enter_context(child(name, *arguments, log=folder / log))
            try:
                wait_until_answering(process, at)
            except Exception as error:
                raise RuntimeError((folder / log).read_text()) from error
        yield {"direct": target, "proxy": f"http://127.0.0.1:{proxy_port}{PREFIX}"}


def test_page_behind_a_prefix(browser: Any, addresses: dict[str, str]) -> None:
    """The page, its files, its form and its texts are found where the proxy puts them."""
    visit = Visit(browser)
    try:
        visit.open(f"{addresses['proxy']}/docs/asyncapi")
        assert "invoices" in visit.page.locator(".aui-root").inner_text()
        assert '"total": 0' in visit.send(visit.form())
        assert visit.errors == []
        assert all(url.startswith((addresses["proxy"], "data:")) for url in visit.urls)
        link = visit.page.locator("a[data-format=yaml]").evaluate("it => it.href")
        assert visit.page.request.get(link).text().startswith("info:")
    finally:
        visit.close()


def test_page(browser: Any, addresses: dict[str, str]) -> None:
    """Channels and schemas are there, a message can be tried, a bad one shows its errors."""
    visit = Visit(browser)
    try:
        visit.open(f"{addresses['direct']}/docs/asyncapi")
        page = visit.page
        assert page.title() == "Orders AsyncAPI"
        text = page.locator(".aui-root").inner_text()
        for expected in (
            "orders",
            "invoices",
            "Turns an order into an invoice.",
            "Order",
            "Invoice",
        ):
            assert expected in text
        assert page.locator(".anystream-try").count() == 2
        place = visit.form()
        answer = visit.send(place)
        assert "HTTP 200" in answer
        assert '"total": 0' in answer
        answer = visit.send(place, '{"item": "tea", "quantity": 3, "price": 2}')
        assert '"total": 6' in answer
        assert visit.errors == []
        bad = visit.send(place, '{"item": "tea", "quantity": 0}')
        assert "HTTP 500" in bad
        assert "Input should be greater than 0" in bad
        assert "price: Field required" in bad
        assert "This is not JSON" in visit.send(place, "{")
        assert [it for it in visit.errors if "status of 500" not in it] == []
        address = addresses["direct"].split("//")[1].split("/")[0]
        assert visit.hosts == {address}
        for format in ("json", "yaml"):
            link = page.locator(f"a[data-format={format}]")
            url = link.evaluate("it => it.href")
            assert page.request.get(url).ok
            assert page.request.get(f"{addresses['direct']}/docs/asyncapi.{format}").ok
    finally:
        visit.close()
