"""Pictures of dashboards for the docs: `python -m preview.pictures --prometheus URL -f FILE… [--end TIME] [--range 6h] [--scrape-interval 1m]`.

Each dashboard of the files becomes docs/pictures/<its uid>.png, or one in the folder that --out names.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from preview.serving import panels, preview
from testbed import browser

PICTURES = Path(__file__).parents[2] / "docs/pictures"


def pictures(files: Sequence[Path], prometheus: str, *more: str, out: Path = PICTURES, width: int = 1440) -> list[Path]:
    """Write a picture of each dashboard; `more` are options of the preview. Raises AssertionError for a panel that failed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with preview(folder, files, prometheus, *more) as address:
            return asyncio.run(_taken(address, folder, out, width))


async def _taken(address: str, folder: Path, out: Path, width: int) -> list[Path]:
    taken = []
    async with browser.page(f"{address}/", folder, width=width) as page:
        await page.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        slugs = await page.evaluate("[...document.querySelectorAll('main a')].map((a) => a.getAttribute('href'))")
        for slug in slugs:
            await page.call("Page.navigate", url=f"{address}/{slug}")
            await page.wait(f"location.pathname === '/{slug}' && document.readyState === 'complete'")
            failed = [shown for shown in await panels(page) if shown.state == "error"]
            assert not failed, failed[0]
            file = out / f"{re.sub(r'[^A-Za-z0-9_-]+', '-', slug.removeprefix('d/'))}.png"
            await page.picture(file)
            taken.append(file)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-f", "--file", dest="files", type=Path, action="append", required=True)
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--out", type=Path, default=PICTURES)
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--end")
    parser.add_argument("--range")
    parser.add_argument("--scrape-interval")
    given = parser.parse_args()
    options = {"--end": given.end, "--range": given.range, "--scrape-interval": given.scrape_interval}
    more = [word for name, value in options.items() if value for word in (name, value)]
    for file in pictures(given.files, given.prometheus, *more, out=given.out, width=given.width):
        sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
