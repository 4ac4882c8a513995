"""Makes the picture of the documentation: the page of the demo, light and dark side by side."""

from __future__ import annotations

from pathlib import Path

from tests.adapters.serving import child, free_port, wait_until_answering
from tests.page.browser import Visit, chromium

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def main() -> None:
    """Writes the pictures."""
    port = free_port()
    IMAGES.mkdir(exist_ok=True)
    with (
        child("docs_src.demo.main", "asgi", "memory", "--port", str(port)) as process,
        chromium() as browser,
    ):
        wait_until_answering(process, port)
        for scheme in ("light", "dark"):
            size = {"width": 1280, "height": 900}
            visit = Visit(browser, color_scheme=scheme, viewport=size)
            visit.open(f"http://127.0.0.1:{port}/docs/asyncapi")
            place = visit.form()
            visit.send(place, '{"item": "tea", "quantity": 3, "price": 4.5}')
            visit.page.locator("#operations, .aui-root h2").nth(1).scroll_into_view_if_needed()
            visit.page.screenshot(path=IMAGES / f"asyncapi-page-{scheme}.png")
            visit.close()


if __name__ == "__main__":
    main()
