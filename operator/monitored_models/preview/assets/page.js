// Fills each panel from the server, draws its figures, and says on <body> how many are done. Rows that are closed wait.
"use strict";

const main = document.querySelector("main");
const config = { displayModeBar: false, responsive: true, scrollZoom: false, displaylogo: false };

async function fill(panel) {
  panel.dataset.state = "asked";
  let found;
  try {
    const answer = await fetch(`${main.dataset.slug}/panels/${panel.dataset.panel}?${main.dataset.query}`);
    if (!answer.ok) throw new Error(`the preview answered ${answer.status}`);
    found = await answer.json();
  } catch (error) {
    const word = document.createElement("div");
    word.className = "word error";
    word.textContent = String(error.message || error);
    panel.querySelector(".body").replaceChildren(word);
    panel.dataset.state = "error";
    return;
  }
  panel.querySelector(".body").innerHTML = found.html;
  for (const place of panel.querySelectorAll("[data-figure]")) {
    const figure = found.figures[Number(place.dataset.figure)];
    await Plotly.newPlot(place, figure.data, { ...figure.layout, autosize: true }, config);
  }
  for (const key of panel.querySelectorAll("[data-traces]")) {
    key.addEventListener("click", () => {
      const off = key.classList.toggle("off");
      Plotly.restyle(panel.querySelector(".plot"), { visible: !off }, key.dataset.traces.split(",").map(Number));
    });
  }
  panel.dataset.state = found.state;
}

async function fillOpen() {
  const waiting = [...main.querySelectorAll(".panel[data-state=waiting]")];
  const shown = waiting.filter((panel) => !panel.closest("details:not([open])"));
  if (shown.length) delete document.body.dataset.drawn;
  await Promise.all(shown.map(fill));
  const left = main.querySelectorAll(".panel[data-state=asked]").length;
  if (!left) {
    const closed = main.querySelectorAll("details:not([open]) .panel[data-state=waiting]").length;
    document.body.dataset.drawn = String(main.querySelectorAll(".panel").length - closed);
  }
}

for (const control of document.querySelectorAll("form select:not([multiple])")) {
  control.addEventListener("change", () => control.form.submit());
}
for (const row of main.querySelectorAll("details")) row.addEventListener("toggle", () => row.open && fillOpen());
fillOpen();
