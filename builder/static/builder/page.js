// Mends on every page what unfold leaves open.
"use strict";

// The parts that scroll are all called the same, which helps nobody who goes from part to part by ear.
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll("[data-simplebar]")) {
    part.dataset.simplebarAriaLabel = part.closest("nav") ? "Menu" : part.querySelector("table") ? "Table" : "More";
  }
});

// Of a form that comes back, the first thing to mend may stand far below: the caret waits there.
addEventListener("load", () => document.querySelector("form [aria-invalid=true]:enabled:not([type=hidden])")?.focus());

// Django puts the focus on the first field of a new thing, but finds none where it comes before the page is shown.
addEventListener("load", () => {
  const name = document.querySelector("#django-admin-form-add-constants")?.dataset.modelName;
  if (!name || document.activeElement !== document.body) return;
  document.querySelector(`#${name}_form :is(input:not([type=hidden]), textarea, select):enabled`)?.focus();
});
