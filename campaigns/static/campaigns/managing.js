// Whoever leaves Manage Tools with choices that are not saved is asked first.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const rows = [...document.querySelectorAll("[data-picklist-row][data-is]")];
  let submitted = false;

  const isUnsaved = (row) => {
    const box = row.querySelector("input[type=checkbox]");
    return box && box.checked !== row.dataset.is.split(" ").includes("attached");
  };

  rows[0]?.closest("form").addEventListener("submit", () => {
    submitted = true;
  });
  addEventListener("beforeunload", (event) => {
    if (!submitted && rows.some(isUnsaved)) event.preventDefault();
  });
});
