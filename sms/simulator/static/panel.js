// The panel by which the carrier is told to misbehave.

import { ask, at, icon, make, pretty } from "./page.js";

const ASPECTS = {
  answer: "How a text is answered",
  outcome: "What becomes of a text",
  receipt: "Status callbacks",
  visibility: "The list of texts",
  listing: "The list of texts",
};

export const faults = await ask("GET", "faults").catch(() => ({}));

function showFaults() {
  const groups = new Map();
  for (const [name, { aspect, words }] of Object.entries(faults)) {
    const group = groups.get(ASPECTS[aspect]) ?? make("optgroup");
    group.label = ASPECTS[aspect];
    groups.set(ASPECTS[aspect], group);
    const option = make("option", "", words);
    option.value = name;
    group.append(option);
  }
  at("fault").replaceChildren(...groups.values());
  showParameters();
}

function showParameters() {
  const parameters = Object.entries(faults[at("fault").value]?.parameters ?? {});
  const fields = parameters.flatMap(([name, parameter]) => {
    const label = make("label", "", parameter.words[0].toUpperCase() + parameter.words.slice(1));
    const field = make(parameter.choices.length ? "select" : "input");
    label.htmlFor = field.id = `parameter-${name}`;
    field.name = name;
    field.required = true;
    if (parameter.choices.length) {
      field.append(...parameter.choices.map((choice) => make("option", "", choice)));
    } else {
      Object.assign(field, { type: "number", min: parameter.least, max: parameter.most });
      field.step = parameter.whole ? "1" : "any";
    }
    field.value = parameter.default ?? "";
    return [label, field, ...meaningsOf(parameter, field)];
  });
  at("parameters").replaceChildren(...fields);
}

// What a number means: to choose from, and below the field once it is one of those known.
function meaningsOf({ known }, field) {
  const meanings = Object.entries(known);
  if (meanings.length === 0) return [];
  const list = make("datalist");
  list.id = `known-${field.name}`;
  list.append(...meanings.map(([value, words]) => choice(value, `${value}: ${words.replace(" {}", "")}`)));
  field.setAttribute("list", list.id);
  const note = make("p", "hint");
  const explain = () => (note.textContent = known[field.value]?.replace(" {}", "") ?? "");
  field.addEventListener("input", explain);
  explain();
  return [list, note];
}

function choice(value, words) {
  const option = make("option", "", words);
  option.value = value;
  return option;
}

export function showTargets(numbers) {
  at("targets").replaceChildren(...numbers.map((number) => choice(number, pretty(number))));
}

async function showAccounts() {
  const picked = at("account").value;
  const accounts = await ask("GET", "accounts").catch(() => []);
  const choices = accounts.map(({ sid }) => choice(sid, short(sid)));
  at("account").replaceChildren(choice("", "Every account"), ...choices);
  at("account").value = accounts.some(({ sid }) => sid === picked) ? picked : "";
}

const short = (sid) => `${sid.slice(0, 6)}…${sid.slice(-4)}`;

function scopeOf(rule) {
  const parameters = Object.keys(faults[rule.fault]?.parameters ?? {});
  return [
    ...parameters.map((name) => `${name} ${rule[name]}`),
    rule.to ? pretty(rule.to) : "every phone",
    ...(rule.account ? [`account ${short(rule.account)}`] : []),
    ...(rule.probability < 1 ? [`${+(rule.probability * 100).toFixed(2)} % of texts`] : []),
    rule.times ? `${rule.used} of ${rule.times} done` : `${rule.used} done, until stopped`,
  ].join(" · ");
}

export function showRules(rules) {
  at("rules").replaceChildren(
    ...rules.map((rule) => {
      const item = make("li", "rule");
      const words = make("div");
      const stop = make("button", "plain");
      stop.type = "button";
      stop.append(icon("close"));
      stop.setAttribute("aria-label", `Stop: ${faults[rule.fault]?.words}`);
      stop.addEventListener("click", () => change("DELETE", `misbehaviour/${rule.id}`));
      words.append(make("p", "", faults[rule.fault]?.words), make("span", "hint", scopeOf(rule)));
      item.append(words, stop);
      return item;
    }),
  );
  at("no-rules").hidden = rules.length > 0;
  at("behave").hidden = rules.length === 0;
  at("rule-count").hidden = rules.length === 0;
  at("rule-count").textContent = rules.length;
}

async function change(method, path, body) {
  at("rule-wrong").textContent = "";
  try {
    await ask(method, path, body);
  } catch (error) {
    at("rule-wrong").textContent = error.message;
  }
}

function addRule(event) {
  event.preventDefault();
  const rule = {
    fault: at("fault").value,
    to: at("target").value.replace(/[\s().-]/g, "") || null,
    account: at("account").value || null,
    times: at("times").value ? Number(at("times").value) : null,
    probability: Number(at("chance").value) / 100,
  };
  for (const field of at("parameters").querySelectorAll("input, select")) {
    const numeric = field.type === "number" || /^\d+$/.test(field.value);
    rule[field.name] = numeric ? Number(field.value) : field.value;
  }
  change("PUT", "misbehaviour", rule);
}

function togglePanel(open) {
  at("panel").hidden = !open;
  at("open-panel").setAttribute("aria-expanded", String(open));
  if (open) showAccounts();
  (open ? at("fault") : at("open-panel")).focus();
}

at("open-panel").addEventListener("click", () => togglePanel(at("panel").hidden));
at("close-panel").addEventListener("click", () => togglePanel(false));
at("panel").addEventListener("keydown", (event) => event.key === "Escape" && togglePanel(false));
at("fault").addEventListener("change", showParameters);
at("rule").addEventListener("submit", addRule);
at("behave").addEventListener("click", () => change("DELETE", "misbehaviour"));
showFaults();
