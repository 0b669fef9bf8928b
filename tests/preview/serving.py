"""The preview as people start it, with a browser in front: what each panel came to, and whether it keeps to its box."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.browser import Page
from testbed.processes import free_port, start, wait_until

OPEN_ALL = "document.querySelectorAll('details').forEach((row) => { row.open = true; })"
DRAWN = "!document.querySelector('[data-state=waiting],[data-state=asked]') && document.body.dataset.drawn"
# Every text that plotly drew and every element of ours must lie within the panel's box, scrolled parts aside.
MEASURE = """
[...document.querySelectorAll('.panel')].map((panel) => {
  const box = panel.getBoundingClientRect();
  const scrolled = (element) => element.closest('.legend, .sheet, .text, .word, .bars');
  const out = [...panel.querySelectorAll('.body *')]
    .filter((element) => !scrolled(element) && !element.closest('defs, .hoverlayer, .draglayer, clipPath'))
    .filter((element) => element.tagName === 'text' || element instanceof HTMLElement)
    .filter((element) => {
      const r = element.getBoundingClientRect();
      return r.width && r.height
        && (r.left < box.left - 1 || r.top < box.top - 1 || r.right > box.right + 1 || r.bottom > box.bottom + 1);
    });
  const body = panel.querySelector('.body');
  return {
    title: panel.querySelector('h2').getAttribute('title'),
    kind: panel.classList[1].slice(3),
    state: panel.dataset.state,
    text: body.innerText,
    out: out.map((element) => `${element.tagName}.${element.getAttribute('class')} ${element.textContent.slice(0, 40)}`),
    over: body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1,
    plot: [...panel.querySelectorAll('.plot')].map((plot) => [plot.clientWidth, plot.clientHeight]),
  };
})
"""


@dataclass(frozen=True)
class Shown:
    """A panel as the browser has it."""

    title: str
    kind: str
    state: str
    text: str
    out: list[str]
    over: bool
    plot: list[list[int]]


@contextmanager
def preview(folder: Path, files: Sequence[Path], prometheus: str, *more: str) -> Iterator[str]:
    """`mmctl dashboard preview` in a process of its own; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    told = [word for file in files for word in ("-f", str(file))]
    command = [sys.executable, "-m", "monitored_models.cli", "dashboard", "preview", *told]
    log = folder / "preview.log"
    process = start("preview", [*command, "--prometheus", prometheus, "--listen", address, *more], log=log)
    try:
        wait_until(lambda: f"http://{address}" in log.read_text(), "the preview's address", processes=[process])
        yield f"http://{address}"
    finally:
        process.kill()


async def panels(page: Page) -> list[Shown]:
    """Every panel, once all are drawn, those in closed rows too."""
    await page.wait("document.body && document.body.dataset.drawn")
    await page.evaluate(OPEN_ALL)
    await page.evaluate("new Promise((done) => setTimeout(done, 50))")  # the rows' events come later
    await page.wait(DRAWN)
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: list[dict[str, Any]] = await page.evaluate(MEASURE)
    return [Shown(**one) for one in found]
