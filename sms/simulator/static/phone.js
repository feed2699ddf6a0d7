// The phone page: shows what the carrier tells over /simulator/events, and asks it for things.

import { ask, at, icon, lower, make, pretty } from "./page.js";
import { faults, showRules, showTargets } from "./panel.js";

const MAX_TEXTS = 2000;
const NEAR_END_PIXELS = 120;
const CLOCK_MILLISECONDS = 15_000;

const texts = new Map();
const unread = new Map();
const numberRows = new Map();
const bubbles = new Map();
let phones = [];
let chosen = location.hash.slice(1) || null;
let following = chosen === null;

const ownerOf = (text) => (text.direction === "inbound" ? text.from : text.to);
// A messaging service chooses its number only while it sends.
const senderOf = (text) => text?.messaging_service_sid ?? text?.from;
const clock = (date) => date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });

function day(date) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const days = Math.round((midnight - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" });
}

function timeOf(text, words) {
  const date = new Date(text.created_at * 1000);
  const element = make("time", "", words(date));
  element.dateTime = date.toISOString();
  return element;
}

const whenShort = (date) => (day(date) === "Today" ? clock(date) : day(date));

function stateOf(text) {
  if (text.direction === "inbound") {
    const [receipt] = text.receipts;
    if (!receipt) return ["clock", "On its way", "waiting"];
    if (receipt.answer === null) return ["failed", "Your app did not answer", "failed"];
    const taken = receipt.answer < 400;
    return [taken ? "sent" : "failed", `Your app answered ${receipt.answer}`, taken ? "sent" : "failed"];
  }
  const reason = text.error_code ? `: ${lower(text.error_message)} (${text.error_code})` : "";
  return {
    sent: ["sent", "Sent", "sent"],
    delivered: ["delivered", "Delivered", "delivered"],
    undelivered: ["failed", `Not delivered${reason}`, "failed"],
    failed: ["failed", `Not delivered${reason}`, "failed"],
  }[text.status] ?? ["clock", "On its way", "waiting"];
}

function meta(text) {
  const line = make("p", "meta");
  const [symbol, words, state] = stateOf(text);
  const status = make("span", "state");
  status.dataset.state = state;
  status.append(icon(symbol), words);
  line.append(timeOf(text, clock));
  if (text.num_segments) {
    line.append(make("span", "", `${text.num_segments} segment${text.num_segments === 1 ? "" : "s"}`));
  }
  line.append(status);
  const refused = text.receipts.find(({ answer }) => answer === null || answer >= 400);
  if (refused && text.direction !== "inbound") {
    const how = refused.answer === null ? "did not answer" : `answered ${refused.answer} to`;
    line.append(make("span", "trouble", `Your app ${how} the status callback`));
  }
  if (text.fault) line.append(make("span", "spoiled", `Misbehaved: ${lower(faults[text.fault]?.words)}`));
  return line;
}

// Phones

function groupByPhone() {
  const groups = new Map();
  for (const text of texts.values()) {
    const group = groups.get(ownerOf(text)) ?? [];
    group.push(text);
    groups.set(ownerOf(text), group);
  }
  return [...groups].sort(([, a], [, b]) => b.at(-1).created_at - a.at(-1).created_at);
}

function numberRow(number) {
  const row = make("li");
  const button = make("button", "number");
  button.type = "button";
  button.append(make("b", "", pretty(number)), make("time"), make("span", "words"), make("span", "badge"));
  button.addEventListener("click", () => choose(number));
  row.append(button);
  return row;
}

function showPhones() {
  phones = groupByPhone();
  const held = document.activeElement;
  const list = at("numbers");
  phones.forEach(([number, group], position) => {
    const row = numberRows.get(number) ?? numberRow(number);
    numberRows.set(number, row);
    const [, time, words, badge] = row.firstChild.children;
    time.replaceWith(timeOf(group.at(-1), whenShort));
    words.textContent = group.at(-1).body;
    const count = unread.get(number) ?? 0;
    badge.hidden = count === 0;
    badge.textContent = count;
    badge.setAttribute("aria-label", `${count} new`);
    row.firstChild.setAttribute("aria-current", String(number === chosen));
    if (list.children[position] !== row) list.insertBefore(row, list.children[position] ?? null);
  });
  const known = new Set(phones.map(([number]) => number));
  for (const [number, row] of numberRows) {
    if (known.has(number)) continue;
    row.remove();
    numberRows.delete(number);
  }
  if (held !== document.activeElement && held?.isConnected) held.focus();
  at("no-numbers").hidden = phones.length > 0;
}

function choose(number) {
  following = false;
  history.replaceState(null, "", `#${number}`);
  open(number);
}

function open(number) {
  chosen = number;
  unread.delete(number);
  at("reply-note").textContent = "";
  showPhones();
  showTalk();
  showTargets(phones.map(([number]) => number));
}

// The talk on the chosen phone

function bubble(text) {
  const item = make("li", text.direction === "inbound" ? "text reply-text" : "text");
  item.append(make("p", "bubble", text.body), meta(text));
  return item;
}

function addBubble(text, previous, isNew) {
  const list = at("talk");
  const date = new Date(text.created_at * 1000);
  if (!previous || day(new Date(previous.created_at * 1000)) !== day(date)) {
    list.append(make("li", "day", day(date)));
  }
  if (text.direction !== "inbound" && senderOf(previous) !== senderOf(text)) {
    list.append(make("li", "sender", `From ${pretty(text.from)}`));
  }
  const item = bubble(text);
  if (isNew) item.classList.add("new");
  bubbles.set(text.sid, item);
  list.append(item);
}

function showChange(text, item) {
  item.lastChild.replaceWith(meta(text));
  const label = item.previousElementSibling;
  if (label?.className === "sender") label.textContent = `From ${pretty(text.from)}`;
}

function talkOf(number) {
  return phones.find(([owner]) => owner === number)?.[1] ?? [];
}

function showTalk() {
  const talk = talkOf(chosen);
  bubbles.clear();
  at("talk").replaceChildren();
  talk.forEach((text, position) => addBubble(text, talk[position - 1], false));
  at("talk").hidden = at("reply").hidden = talk.length === 0;
  at("empty").hidden = talk.length > 0;
  at("owner").textContent = talk.length ? pretty(chosen) : "A phone";
  at("talk").scrollTop = at("talk").scrollHeight;
  showCount(talk);
}

function showCount(talk) {
  const count = talk.length;
  at("owner-note").textContent = count
    ? `${count} text${count === 1 ? "" : "s"} on this simulated phone`
    : "waiting for its first text";
}

function keepAtEnd(change) {
  const list = at("talk");
  const near = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PIXELS;
  change();
  if (near) list.scrollTop = list.scrollHeight;
}

// What the carrier tells

function takeSnapshot(all) {
  texts.clear();
  for (const text of all) texts.set(text.sid, text);
  showPhones();
  if (!numberRows.has(chosen)) following = true;
  if (following) chosen = phones[0]?.[0] ?? null;
  open(chosen);
}

function takeTexts(changed) {
  const fresh = changed.filter((text) => !texts.has(text.sid));
  for (const text of changed) texts.set(text.sid, text);
  for (const sid of texts.keys()) {
    if (texts.size <= MAX_TEXTS) break;
    texts.delete(sid);
  }
  const newest = fresh.at(-1);
  if (newest && following && ownerOf(newest) !== chosen) {
    showPhones();
    chosen = ownerOf(newest);
    open(chosen);
    bubbles.get(newest.sid)?.classList.add("new");
  }
  for (const text of fresh) {
    if (ownerOf(text) !== chosen) unread.set(ownerOf(text), (unread.get(ownerOf(text)) ?? 0) + 1);
  }
  showPhones();
  keepAtEnd(() => {
    const talk = talkOf(chosen);
    for (const text of changed.filter((text) => ownerOf(text) === chosen)) {
      const item = bubbles.get(text.sid);
      if (item) showChange(text, item);
      else addBubble(text, talk[talk.indexOf(text) - 1], true);
    }
    showCount(talk);
  });
  announce(fresh.filter((text) => text.direction !== "inbound"));
}

function announce(fresh) {
  if (fresh.length === 0) return;
  const text = fresh.at(-1);
  const others = fresh.length > 1 ? ` and ${fresh.length - 1} more` : "";
  at("announcer").textContent = `New text to ${pretty(text.to)}${others}: ${text.body}`;
}

function listen() {
  const events = new EventSource("/simulator/events");
  const link = (state, words) => {
    at("link").dataset.state = state;
    at("link").textContent = words;
  };
  events.addEventListener("open", () => link("live", "Live"));
  events.addEventListener("error", () => link("waiting", "Reconnecting"));
  events.addEventListener("snapshot", (event) => takeSnapshot(JSON.parse(event.data)));
  events.addEventListener("texts", (event) => takeTexts(JSON.parse(event.data)));
  events.addEventListener("rules", (event) => showRules(JSON.parse(event.data)));
}

// Asking the carrier

async function sendReply(event) {
  event.preventDefault();
  const input = at("reply-body");
  const last = talkOf(chosen).findLast((text) => text.direction !== "inbound");
  const note = at("reply-note");
  note.textContent = "";
  if (!last?.from) {
    note.textContent = "No text came yet that could be replied to.";
    return;
  }
  const reply = { from: chosen, to: last.from, body: input.value, account: last.account_sid };
  try {
    input.value = "";
    await ask("POST", "inbound", reply);
  } catch (error) {
    input.value = reply.body;
    note.textContent = error.message;
  }
}

async function clearAll() {
  if (at("sure").returnValue !== "clear") return;
  await ask("DELETE", "texts").catch((error) => at("announcer").append(error.message));
  history.replaceState(null, "", location.pathname);
}

function tick() {
  at("clock").textContent = clock(new Date());
}

at("reply").addEventListener("submit", sendReply);
at("clear").addEventListener("click", () => at("sure").showModal());
at("sure").addEventListener("close", clearAll);
window.addEventListener("hashchange", () => {
  const number = location.hash.slice(1);
  if (numberRows.has(number)) choose(number);
});

tick();
setInterval(tick, CLOCK_MILLISECONDS);
listen();
