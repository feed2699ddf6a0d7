// Says below Actions what the linter finds while one types, and mends it on demand. The server finds and renders
// (builder/linted.py); this asks it, and knows where the caret is.
import { replace } from "./editing.js";

const PAUSE = 350;

const start = (report) => {
  const fields = { actions: document.getElementById("id_actions"), content: document.getElementById("id_content") };
  if (!fields.actions || !fields.content) return;
  const list = report.querySelector("[data-lint-list]");
  const note = report.querySelector("[data-lint-note]");
  const said = report.querySelector("[data-lint-said]");
  let timer = 0;
  let request = null;
  let checked = null;

  const slot = document.querySelector("[data-lint]");
  if (slot) slot.append(report);
  else fields.actions.after(report);

  const messages = () => [...list.querySelectorAll("[data-lint-message]")].map((message) => message.textContent);

  // What stands there without a script has no buttons: they could do nothing.
  const arm = () => {
    for (const button of list.querySelectorAll("button[hidden]")) button.hidden = false;
  };

  const show = (html) => {
    const before = messages();
    const box = list.querySelector("input[type=checkbox]");
    const ticked = box && box.checked ? box.value : null;
    const focused = list.contains(document.activeElement);
    list.innerHTML = html;
    arm();
    const now = list.querySelector("input[type=checkbox]");
    // Other warnings than those that it was ticked for are not accepted by it.
    if (now && now.value === ticked) now.checked = true;
    if (focused) report.focus();
    const fresh = messages().filter((message) => !before.includes(message));
    if (fresh.length) said.textContent = fresh.join(" ");
    else if (before.length && !messages().length) said.textContent = "Nothing to mend.";
  };

  const tell = (words) => {
    note.textContent = words;
    note.hidden = !words;
  };

  const check = async () => {
    const text = JSON.stringify([fields.actions.value, fields.content.value]);
    if (text === checked) return;
    request?.abort();
    request = new AbortController();
    const form = fields.actions.form;
    const body = new URLSearchParams({
      csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value,
      topic: report.dataset.topic,
      actions: fields.actions.value,
      content: fields.content.value,
    });
    try {
      const { signal } = request;
      const response = await fetch(report.dataset.url, { method: "POST", body, signal, redirect: "error" });
      const answer = await response.json();
      if (!response.ok) return tell(answer.error);
      checked = text;
      tell("");
      show(answer.html);
    } catch (error) {
      if (error.name !== "AbortError") tell("It could not be checked just now; saving checks it again.");
    }
  };

  const soon = (event) => {
    clearTimeout(timer);
    // Half a character of Chinese is nothing to judge.
    if (!event.isComposing) timer = setTimeout(check, PAUSE);
  };

  list.addEventListener("click", (event) => {
    const finding = event.target.closest(".mc-finding");
    if (!finding || event.target.closest("a")) return;
    const field = fields[finding.dataset.field];
    const mend = event.target.closest("[data-lint-mend]");
    if (mend) {
      replace(field, Number(mend.dataset.start), Number(mend.dataset.end), mend.dataset.text);
      clearTimeout(timer);
      check();
    } else {
      field.focus();
      field.setSelectionRange(Number(finding.dataset.start), Number(finding.dataset.end));
    }
  });

  for (const field of Object.values(fields)) {
    field.addEventListener("input", soon);
    field.addEventListener("compositionend", soon);
  }
  arm();
  check();
};

const report = document.querySelector("[data-lint-report]");
if (report) start(report);
