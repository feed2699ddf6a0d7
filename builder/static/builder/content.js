// Writing an SMS action: a counter, examples and hints for the description, a name that would do, the text of the chosen
// template, and the tool as the agent sees it. The server judges and renders (builder/content.py); this shows it.
import { replace } from "./editing.js";

// Long enough not to ask for every letter.
const PAUSE = 250;

const start = (box, agent) => {
  const form = box.closest("form");
  const { name, description } = form.elements;
  const hints = box.querySelector("[data-hints]");
  const note = box.querySelector("[data-note]");
  const said = box.querySelector("[data-said]");
  const suggestion = form.querySelector("[data-name]");
  let timer = 0;
  let request = null;
  let shown = null;

  const arm = () => {
    for (const button of form.querySelectorAll("[data-add][hidden], [data-name-use][hidden]")) button.hidden = false;
  };

  const count = () => {
    const written = [...description.value].length;
    const line = box.querySelector("[data-count]");
    line.textContent = written.toLocaleString("en");
    line.parentElement.classList.toggle("mc-too-many", written > Number(box.dataset.most));
  };

  const put = (part, html) => {
    if (part.innerHTML === html) return;
    const open = Boolean(part.querySelector("details[open]"));
    const focused = part.contains(document.activeElement);
    part.innerHTML = html;
    if (open) part.querySelector("details")?.setAttribute("open", "");
    if (focused) description.focus();
  };

  const show = (answer, isFirst) => {
    put(hints, answer.hints);
    put(form.querySelector("[data-template-text]"), answer.template);
    if (answer.agent) put(agent, answer.agent);
    suggestion.hidden = !answer.name;
    suggestion.querySelector("[data-name-words]").textContent = answer.name;
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
    // Secrets have no business there.
    body.delete("auth_token");
    body.set("action", agent.dataset.action);
    if (String(body) === shown) return;
    request?.abort();
    request = new AbortController();
    try {
      const { signal } = request;
      const response = await fetch(agent.dataset.url, { method: "POST", body, signal, redirect: "error" });
      const answer = await response.json();
      if (!response.ok) return tell(answer.error);
      tell("");
      show(answer, shown === null);
      shown = String(body);
    } catch (error) {
      if (error.name !== "AbortError") tell("It could not be looked at just now; you can save all the same.");
    }
  };

  const soon = (event) => {
    clearTimeout(timer);
    // Half a character of Chinese is nothing to judge.
    if (!event.isComposing) timer = setTimeout(ask, PAUSE);
  };
  for (const kind of ["input", "change", "compositionend"]) form.addEventListener(kind, soon);
  description.addEventListener("input", count);

  form.addEventListener("click", (event) => {
    const add = event.target.closest?.("[data-add]");
    if (add) {
      const end = description.value.length;
      const gap = description.value && !/\s$/.test(description.value) ? " " : "";
      replace(description, end, end, gap + add.dataset.add);
    } else if (event.target.closest?.("[data-name-use]")) {
      replace(name, 0, name.value.length, suggestion.querySelector("[data-name-words]").textContent);
    }
  });

  arm();
  count();
  ask();
};

const box = document.querySelector("[data-description]");
const agent = document.querySelector("[data-agent]");
if (box && agent) start(box, agent);
