// The menu that inserts a template: first what kind, then which one; it narrows to what is typed meanwhile.
//
// The focus stays in the text area, and the option that Enter would take is named to screen readers by
// aria-activedescendant (WAI-ARIA Authoring Practices, listbox). What is typed goes into the text as always, and is
// replaced by what is chosen.
import { place } from "./actions_card.js";
import { icon, make } from "./editing.js";

const MOST = 100;
const FIRST_WORDS = 70;

const firstWords = (text) => {
  const line = text.split(/\s+/).join(" ").trim();
  return line.length <= FIRST_WORDS ? line : `${line.slice(0, FIRST_WORDS - 1).trimEnd()}…`;
};

export class Menu {
  // `whereIs` says where a place of the text stands in the window. `take(template, from, to)` puts one in place of a
  // range; `add(from, to)` leaves to make a new one, or is null for who may not.
  constructor({ root, field, templates, whereIs, take, add, say }) {
    Object.assign(this, { root, field, whereIs, take, add, say });
    this.templates = templates.filter((template) => template.is_active);
    this.element = make("div", {
      class: "mc-menu", id: `${root.id}_menu`, role: "listbox", "aria-label": "Insert", hidden: true,
    });
    root.append(this.element);
    field.setAttribute("aria-controls", this.element.id);
    field.setAttribute("aria-haspopup", "listbox");
    field.setAttribute("aria-autocomplete", "list");
    // A press must not take the focus, and with it the keyboard of a phone.
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
    this.element.addEventListener("click", (event) => this.choose(this.optionOf(event)));
    this.element.addEventListener("pointermove", (event) => this.mark(this.optionOf(event)));
    field.addEventListener("blur", () => this.close());
  }

  get isOpen() {
    return !this.element.hidden;
  }

  // Opens at a place; what is typed from `query` on narrows it, and what stands from `from` on is replaced.
  open(from, query = from) {
    Object.assign(this, { from, first: query, query, to: query, isKindChosen: false });
    this.element.hidden = false;
    this.show();
    this.root.dispatchEvent(new CustomEvent("mc-menu"));
  }

  close() {
    if (!this.isOpen) return;
    this.element.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
    this.say("");
    this.root.dispatchEvent(new CustomEvent("mc-menu"));
  }

  // After something was typed.
  follow() {
    const caret = this.field.selectionStart;
    if (caret < this.first) return this.close();
    if (caret < this.query) Object.assign(this, { query: this.first, isKindChosen: false });
    this.to = caret;
    if (this.words.includes("\n")) return this.close();
    this.show();
    // Who writes on past it does not want it.
    if (!this.found && /\s/.test(this.words)) this.close();
  }

  // After the caret moved without anything being typed.
  followCaret() {
    if (this.field.selectionStart !== this.to || this.field.selectionEnd !== this.to) this.close();
  }

  // Whether a key was meant for the menu.
  press(key) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step) {
      const now = this.options.indexOf(this.active);
      const next = now < 0 ? (step > 0 ? 0 : this.options.length - 1) : now + step;
      this.mark(this.options[(next + this.options.length) % this.options.length]);
      this.active?.element.scrollIntoView({ block: "nearest" });
      return this.options.length > 0;
    }
    if (key === "Escape") {
      this.close();
      return true;
    }
    if (key !== "Enter" && key !== "Tab") return false;
    if (this.active) {
      this.choose(this.active);
      return true;
    }
    this.close();
    return false;
  }

  choose(option) {
    if (!option) return;
    if (option.isKind) {
      Object.assign(this, { query: this.to, isKindChosen: true });
      this.show();
      return;
    }
    const { from, to } = this;
    this.close();
    if (option.template) this.take(option.template, from, to);
    else this.add(from, to);
  }

  mark(option) {
    if (!option || option === this.active) return;
    this.active?.element.setAttribute("aria-selected", "false");
    this.active = option;
    option.element.setAttribute("aria-selected", "true");
    this.field.setAttribute("aria-activedescendant", option.element.id);
  }

  optionOf(event) {
    const element = event.target.closest("[role=option]");
    return this.options.find((option) => option.element === element);
  }

  get words() {
    return this.field.value.slice(this.query, this.to);
  }

  // Those that what is typed fits, by name before by text.
  get matching() {
    const words = this.words.toLowerCase().split(/\s+/).filter(Boolean);
    const rank = ({ name, body }) => {
      const own = name.toLowerCase();
      if (!words.every((word) => `${own} ${(body ?? "").toLowerCase()}`.includes(word))) return -1;
      if (!words.length || own.startsWith(words[0])) return 0;
      return own.includes(words[0]) ? 1 : 2;
    };
    return this.templates
      .map((template) => ({ template, rank: rank(template) }))
      .filter((found) => found.rank >= 0)
      .sort((one, other) => one.rank - other.rank)
      .map((found) => found.template);
  }

  show() {
    const typed = this.words.trim().toLowerCase();
    this.options = [];
    const option = (content, what) => {
      const id = `${this.element.id}_${this.options.length}`;
      const element = make("div", { role: "option", id, "aria-selected": "false" }, ...content);
      this.options.push({ ...what, element });
      return element;
    };
    const line = (name, hint) => make("span", {}, make("strong", {}, name), make("small", {}, hint));
    const parts = [];
    if (!this.isKindChosen && "sms".startsWith(typed)) {
      parts.push(option([icon("sms"), line("SMS", "Text the caller a template"), icon("chevron_right")], { isKind: true }));
    }
    const isNarrowed = this.isKindChosen || typed !== "";
    const matching = isNarrowed ? this.matching : [];
    this.found = parts.length + matching.length;
    if (isNarrowed) {
      const group = make("div", { role: "group", "aria-label": "SMS" }, make("div", { class: "mc-menu-head", "aria-hidden": "true" }, "SMS"));
      for (const template of matching.slice(0, MOST)) {
        group.append(option([line(template.name, firstWords(template.body ?? ""))], { template }));
      }
      if (!matching.length) group.append(make("div", { class: "mc-menu-note", role: "presentation" }, this.nothing(typed)));
      if (matching.length > MOST) group.append(make("div", { class: "mc-menu-note", role: "presentation" }, `${matching.length - MOST} more: type part of a name.`));
      if (this.add) group.append(option([make("span", { class: "mc-menu-add" }, "+ add sms template")], { isAdd: true }));
      if (group.querySelector("[role=option]")) parts.push(group);
      else parts.push(...[...group.children].slice(1));
    }
    parts.push(make("div", { class: "mc-menu-foot", "aria-hidden": "true" }, "↑ ↓ choose · Enter inserts · Esc closes"));
    this.element.replaceChildren(...parts);
    place(this.element, this.root, this.whereIs(this.from));
    this.active = null;
    this.field.removeAttribute("aria-activedescendant");
    // Where nothing fits, Enter is for a new line and not for leaving the page.
    if (this.found || !typed) this.mark(this.options[0]);
    this.say(this.isKindChosen || typed ? (matching.length ? `${matching.length} SMS templates` : this.nothing(typed)) : "Insert: SMS");
  }

  nothing(typed) {
    if (typed) return `No template fits “${typed}”.`;
    return this.add ? "There is no template yet." : "There is no template yet. Ask somebody who may add one.";
  }
}
