// Narrows a pick list to what is typed, and to one kind where kinds can be chosen; says how many are chosen.
"use strict";

// What is looked for in a row: all that it says, but not what it says of being chosen.
function said(row) {
  const copy = row.cloneNode(true);
  for (const part of copy.querySelectorAll("[data-picklist-choice]")) part.remove();
  return copy.textContent.toLowerCase();
}

document.addEventListener("DOMContentLoaded", () => {
  for (const list of document.querySelectorAll("[data-picklist]")) {
    const search = list.querySelector("[data-picklist-search]");
    const show = list.querySelector("[data-picklist-show]");
    const count = list.querySelector("[data-picklist-count]");
    const none = list.querySelector("[data-picklist-none]");
    const rows = [...list.querySelectorAll("[data-picklist-row]")];
    if (!search) continue;
    const texts = new Map(rows.map((row) => [row, said(row)]));

    const tell = () => {
      const boxes = rows.map((row) => row.querySelector("input")).filter(Boolean);
      const chosen = boxes.filter((box) => box.checked).length;
      const shown = rows.filter((row) => !row.hidden).length;
      const narrowed = shown < rows.length ? `, ${shown} shown` : "";
      count.textContent = boxes.length ? `${chosen} of ${rows.length} selected${narrowed}` : "";
    };

    const narrow = () => {
      const words = search.value.toLowerCase().split(/\s+/);
      for (const row of rows) {
        const text = texts.get(row);
        const fits = !show?.value || row.dataset.is.split(" ").includes(show.value);
        row.hidden = !fits || !words.every((word) => text.includes(word));
      }
      none.hidden = rows.length === 0 || rows.some((row) => !row.hidden);
      tell();
    };

    search.hidden = rows.length === 0;
    search.addEventListener("input", narrow);
    show?.addEventListener("change", narrow);
    // Enter looks for something; it must not save the form.
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    // What a page without this script needs.
    list.querySelector("[data-picklist-plain]")?.setAttribute("hidden", "");
    list.querySelector("[data-picklist-all]")?.addEventListener("click", (event) => {
      event.preventDefault();
      search.value = "";
      if (show) show.value = "";
      narrow();
      search.focus();
    });
    list.addEventListener("change", tell);
    narrow();
  }
});
