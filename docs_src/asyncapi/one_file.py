from pathlib import Path

from anystream.specification import get_asyncapi_html
from docs_src.asyncapi.described import stream


def write(file: Path) -> None:
    document = stream.schema.to_specification()
    file.write_text(get_asyncapi_html(document, try_it_out_path=None), encoding="utf-8")
