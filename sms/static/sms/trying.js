// A test of a template: shows the text as it is filled in, and then what becomes of it. The server fills in, counts
// and tells (sms/trying.py); this asks it.

const PAUSE = 200;

const form = document.querySelector("[data-trial]");
if (form) {
  const shown = document.querySelector("[data-trial-text]");
  let timer = 0;
  let request = null;

  const show = async () => {
    request?.abort();
    request = new AbortController();
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.address, { method: "POST", body, signal: request.signal, redirect: "error" });
      if (answer.ok) shown.innerHTML = (await answer.json()).html;
    } catch (error) {
      // What stands there is of a moment ago; sending checks and shows it again.
      if (error.name !== "AbortError") shown.dataset.stale = "";
    }
  };

  form.querySelector("[data-look]").hidden = true;
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    // Half a character of Chinese is nothing to show.
    if (!event.isComposing) timer = setTimeout(show, PAUSE);
  });
  form.addEventListener("compositionend", show);
}

// Once a second at first, for that is how fast texts go; then ever more slowly, and not for ever.
const FIRST_PAUSE = 1000;
const AT_FIRST = 15;
const GROWTH = 1.4;
const LONGEST_PAUSE = 15000;
const NO_LONGER = 20 * 60 * 1000;

const tried = document.querySelector("[data-tried]");
if (tried && !("ended" in tried.dataset)) {
  const note = document.querySelector("[data-tried-note]");
  const said = document.querySelector("[data-tried-said]");
  const reload = document.querySelector("[data-tried-reload]");
  const began = Date.now();
  let pause = FIRST_PAUSE;
  let asked = 0;

  const tell = (words) => {
    note.textContent = words;
    note.hidden = !words;
  };

  const ask = async () => {
    asked += 1;
    try {
      const answer = await fetch(tried.dataset.tried, { redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const { html, said: words, ended } = await answer.json();
      if (tried.dataset.last !== html) tried.innerHTML = tried.dataset.last = html;
      if (said.textContent !== words) said.textContent = words;
      if (ended) {
        reload.hidden = true;
        return tell("");
      }
      tell("This page shows by itself how it goes on.");
    } catch {
      tell("It cannot be asked just now, and is asked again in a moment. If that does not help, reload the page.");
    }
    if (Date.now() - began > NO_LONGER) return tell("Nothing has come for long. Look again later.");
    if (asked > AT_FIRST) pause = Math.min(pause * GROWTH, LONGEST_PAUSE);
    setTimeout(ask, pause);
  };

  tell("This page shows by itself how it goes on.");
  setTimeout(ask, 300);
}
