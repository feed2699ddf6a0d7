// Narrows a pick list to what is typed, and says how many are chosen.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const list of document.querySelectorAll("[data-picklist]")) {
    const search = list.querySelector("[data-picklist-search]");
    const count = list.querySelector("[data-picklist-count]");
    const none = list.querySelector("[data-picklist-none]");
    const rows = [...list.querySelectorAll("[data-picklist-row]")];

    const tell = () => {
      const chosen = rows.filter((row) => row.querySelector("input").checked).length;
      count.textContent = rows.length ? `${chosen} of ${rows.length} selected` : "";
    };

    search.hidden = rows.length === 0;
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      none.hidden = rows.length === 0 || rows.some((row) => !row.hidden);
    });
    // Enter looks for something; it must not save the form.
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    list.addEventListener("change", tell);
    tell();
  }
});
