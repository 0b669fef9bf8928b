"""The pictures of the docs: every dashboard over the realistic hours, drawn by the preview. `python -m dashboards.pictures`, by hand."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from dashboards import sample_fleet
from dashboards.rendered_dashboards import shared
from dashboards.sample_fleet import STORIES
from monitored_models.render.dashboards.one_model import dashboard_json
from preview.pictures import PICTURES, pictures
from testbed import clock, prometheus


def main() -> None:
    """Write docs/pictures/dashboard-….png."""
    boards = {story.name: json.loads(dashboard_json(story.now)) for story in STORIES} | shared()
    end = clock.end(300)
    with tempfile.TemporaryDirectory(prefix="pictures-") as temporary:
        folder = Path(temporary)
        sample_fleet.write(folder, end)
        files = []
        for name, board in boards.items():
            files.append(folder / f"{name}.json")
            # The uid gives the picture its name.
            files[-1].write_text(json.dumps({**board, "uid": f"dashboard-{name.removeprefix('monitored-models-')}"}))
        with prometheus.running(folder, []) as server:
            options = ("--end", str(end), "--range", "3h", "--scrape-interval", "1m")
            for file in pictures(files, server.url, *options, out=PICTURES):
                sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
