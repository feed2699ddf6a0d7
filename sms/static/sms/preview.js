// Shows what callers will get as one types, and puts what one chooses in the place of what a phone's alphabet lacks.

// Short enough to be there at once (a third of a second after a key, with the server's answer), long enough not to ask
// for every letter.
const PAUSE = 150;

// Replaces ranges of an input at once, from the first to the last, so that one undo takes all back.
const edit = (field, changes) => {
  const sorted = changes.toSorted((one, other) => one[0] - other[0]);
  const [from, to] = [sorted[0][0], sorted.at(-1)[1]];
  let behind = from;
  let written = "";
  for (const [start, end, text] of sorted) {
    written += field.value.slice(behind, start) + text;
    behind = end;
  }
  field.focus();
  field.setSelectionRange(from, to);
  // Deprecated, and the only way there is into a field's undo history.
  document.execCommand(written ? "insertText" : "delete", false, written);
};

export const showPreviews = (form) => {
  const { previewUrl: url, template } = form.querySelector("[data-preview-url]").dataset;
  const note = form.querySelector("[data-preview-note]");
  const said = form.querySelector("[data-preview-said]");
  let timer = 0;
  let request = null;
  let shown = null;

  const arm = () => {
    for (const button of form.querySelectorAll("[data-preview] button[hidden]")) button.hidden = false;
  };

  const put = (panel, html) => {
    if (!panel || panel.innerHTML === html) return;
    const focused = panel.contains(document.activeElement);
    panel.innerHTML = html;
    if (focused) panel.focus();
  };

  const show = (answer, isFirst) => {
    for (const [field, html] of Object.entries(answer.texts)) put(form.querySelector(`[data-preview="${CSS.escape(field)}"]`), html);
    put(form.querySelector("[data-languages]"), answer.languages);
    for (const [name, example] of Object.entries(answer.examples)) {
      form.elements[`var-${name}-example`]?.setAttribute("placeholder", example);
    }
    arm();
    // What stands there from the start is read with the page.
    if (!isFirst && said.textContent !== answer.said) said.textContent = answer.said;
  };

  const tell = (words) => {
    note.textContent = words;
    note.hidden = !words;
  };

  const ask = async () => {
    const body = new URLSearchParams(new FormData(form));
    body.set("template", template);
    if (String(body) === shown) return;
    request?.abort();
    request = new AbortController();
    try {
      const { signal } = request;
      const response = await fetch(url, { method: "POST", body, signal, redirect: "error" });
      const answer = await response.json();
      if (!response.ok) return tell(answer.error);
      tell("");
      show(answer, shown === null);
      shown = String(body);
    } catch (error) {
      if (error.name !== "AbortError") tell("It could not be counted just now; saving checks it again.");
    }
  };

  const soon = (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(ask, PAUSE);
  };
  for (const kind of ["input", "change", "compositionend"]) form.addEventListener(kind, soon);

  // Goes from place to place.
  const point = ({ field, starts, length }) => {
    const places = JSON.parse(starts);
    const input = form.elements[field];
    const after = input.selectionEnd;
    const start = places.find((place) => place >= after && after > places[0]) ?? places[0];
    input.focus();
    input.setSelectionRange(start, start + Number(length));
  };

  form.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-preview] button");
    if (!button) return;
    if (!("edits" in button.dataset)) return point(button.dataset);
    for (const [field, changes] of Object.entries(JSON.parse(button.dataset.edits))) edit(form.elements[field], changes);
    clearTimeout(timer);
    ask();
  });

  arm();
  ask();
};
