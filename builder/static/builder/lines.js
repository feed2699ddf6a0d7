// Turns a text area of lines into a list of inputs, one a line; the text area, out of sight, is what is sent.
//
// Enter adds one below, Backspace in an empty one removes it, Alt with an arrow moves it, several pasted lines become
// several inputs.
import { icon, make } from "./editing.js";

const setUp = (source) => {
  const noun = source.dataset.lines;
  const most = Number(source.dataset.linesMax);
  const isOrdered = !("linesUnordered" in source.dataset);
  const label = document.querySelector(`label[for="${source.id}"]`);
  label.id ||= `${source.id}_label`;

  const list = make("ol");
  const add = make("button", { type: "button", class: "mc-button" }, `Add a ${noun}`);
  const count = make("span", { class: "mc-quiet" });
  const said = make("span", { role: "status" });
  const undo = make("button", { type: "button", class: "mc-link", hidden: true }, "Undo");
  const group = make(
    "div",
    { class: "mc-lines", role: "group", "aria-labelledby": label.id, "aria-describedby": source.getAttribute("aria-describedby") },
    list,
    make("div", { class: "mc-lines-foot" }, add, count, make("span", { class: "mc-quiet" }, said, " ", undo)),
  );
  let restore = null;

  const items = () => [...list.children];
  const input = (item) => item.querySelector("input");

  // The text area follows the list, and everything that is counted or numbered does, too.
  const tell = (words = "", undoing = null) => {
    const written = items().map((item) => input(item).value);
    source.value = written.filter((line) => line.trim()).join("\n");
    source.dispatchEvent(new Event("input", { bubbles: true }));
    number();
    said.textContent = words;
    restore = undoing;
    undo.hidden = !undoing;
  };

  const number = () => {
    items().forEach((item, index, all) => {
      const place = index + 1;
      input(item).setAttribute("aria-label", `${noun[0].toUpperCase()}${noun.slice(1)} ${place}`);
      for (const [button, what] of [["up", "Move up"], ["down", "Move down"], ["remove", "Remove"]]) {
        item.querySelector(`[data-${button}]`)?.setAttribute("aria-label", `${what}: ${noun} ${place}`);
      }
      if (!isOrdered) return;
      item.querySelector("[data-up]").disabled = index === 0;
      item.querySelector("[data-down]").disabled = index === all.length - 1;
    });
    const full = items().length >= most;
    add.disabled = full;
    count.textContent = full ? `${items().length} of ${most}: no more fit` : `${items().length} of ${most}`;
  };

  const create = (line) => {
    const button = (what, symbol) => make("button", { type: "button", class: "mc-lines-button", [`data-${what}`]: true }, icon(symbol));
    const box = make("input", { type: "text", class: "mc-input", autocomplete: "off" });
    box.value = line;
    const moves = isOrdered ? [button("up", "arrow_upward"), button("down", "arrow_downward")] : [];
    return make("li", {}, box, ...moves, button("remove", "close"));
  };

  const insert = (after, lines) => {
    const created = lines.map(create);
    if (after) after.after(...created);
    else list.append(...created);
    tell();
    input(created.at(-1)).focus();
  };

  const move = (item, steps, focus) => {
    const place = items().indexOf(item) + steps;
    if (place < 0 || place >= items().length) return;
    if (steps < 0) items()[place].before(item);
    else items()[place].after(item);
    tell(`Moved to place ${place + 1} of ${items().length}.`);
    // A button that has just been switched off takes no focus.
    (focus.disabled ? input(item) : focus).focus();
  };

  const remove = (item) => {
    const place = items().indexOf(item);
    const line = input(item).value;
    item.remove();
    if (!items().length) list.append(create(""));
    const putBack = () => {
      const [first] = items();
      if (items().length === 1 && !input(first).value) first.remove();
      if (place < items().length) items()[place].before(item);
      else list.append(item);
      tell("It is back.");
      input(item).focus();
    };
    tell(line.trim() ? `“${line}” is removed.` : "", line.trim() ? putBack : null);
    const near = input(items()[Math.max(0, place - 1)]);
    near.focus();
    near.setSelectionRange(near.value.length, near.value.length);
  };

  list.addEventListener("input", () => tell());
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const item = button.closest("li");
    if (button.hasAttribute("data-remove")) remove(item);
    else move(item, button.hasAttribute("data-up") ? -1 : 1, button);
  });
  list.addEventListener("keydown", (event) => {
    if (event.isComposing || event.target.tagName !== "INPUT") return;
    const item = event.target.closest("li");
    if (event.key === "Enter") {
      // It must not save the form.
      event.preventDefault();
      if (items().length < most) insert(item, [""]);
    } else if (event.key === "Backspace" && !event.target.value && items().length > 1) {
      event.preventDefault();
      remove(item);
    } else if (isOrdered && event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      move(item, event.key === "ArrowUp" ? -1 : 1, event.target);
    }
  });
  list.addEventListener("paste", (event) => {
    const lines = event.clipboardData.getData("text/plain").split(/\r\n|\r|\n/).filter((line) => line.trim());
    if (lines.length < 2) return;
    event.preventDefault();
    const item = event.target.closest("li");
    const empty = !event.target.value;
    // More than there may be stay as well: what is too much is said on saving, and nothing is lost.
    insert(item, lines);
    if (empty) {
      item.remove();
      tell();
    }
  });
  add.addEventListener("click", () => insert(null, [""]));
  undo.addEventListener("click", () => restore?.());
  label.addEventListener("click", () => input(items()[0]).focus());

  const lines = source.value.split("\n").filter((line) => line.trim());
  list.append(...(lines.length ? lines : [""]).map(create));
  number();
  source.hidden = true;
  source.after(group);
  source.parentElement.querySelector("[data-lines-hint]").remove();
};

document.querySelectorAll("textarea[data-lines]").forEach(setUp);
