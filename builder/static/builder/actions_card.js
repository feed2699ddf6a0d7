// The card that shows what a chip stands for: the template's text, whether it can be sent, and a link to it.
import { make } from "./editing.js";

const PAUSE_MS = 200;

export class Card {
  constructor(root) {
    this.root = root;
    this.element = make("div", { class: "mc-actions-card", id: `${root.id}_card`, hidden: true });
    root.append(this.element);
    // The pointer may go to the card, and the way there leads past other things.
    this.element.addEventListener("pointerenter", () => clearTimeout(this.timer));
    this.element.addEventListener("pointerleave", () => this.hideSoon());
  }

  get isOpen() {
    return !this.element.hidden;
  }

  // What is known of a name, in one line to be read out.
  static words(name, template) {
    if (!template) return `${name}: there is no SMS template of this name.`;
    const off = template.is_active ? "" : " It is switched off, so nothing would be sent.";
    return `${name}: ${template.body ?? "you may not see its text."}${off}`;
  }

  show(name, template, box) {
    clearTimeout(this.timer);
    const say = (words, tone) => make("p", { class: `mc-label mc-${tone}` }, words);
    const parts = [make("p", { class: "mc-h2" }, name)];
    if (!template) parts.push(say("no such template", "bad"), make("p", {}, "Correct the name, or add a template of this name."));
    else if (!template.is_active) parts.push(say("switched off", "warn"), make("p", {}, "Nothing is sent until it is active again."));
    if (template?.body) parts.push(make("p", { class: "mc-bubble" }, template.body));
    if (template?.url) {
      const link = make("a", { class: "mc-link", href: template.url, target: "_blank" }, "Open the template");
      parts.push(make("p", {}, link, make("span", { class: "mc-quiet" }, " in a new tab")));
    }
    this.element.replaceChildren(...parts);
    this.element.hidden = false;
    this.name = name;
    place(this.element, this.root, box);
  }

  hideSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hide(), PAUSE_MS);
  }

  hide() {
    clearTimeout(this.timer);
    this.element.hidden = true;
    this.name = null;
  }
}

// Puts a floating element below a box of the window, or above where there is more room, within its root.
export const place = (element, root, box) => {
  const frame = root.getBoundingClientRect();
  const height = element.offsetHeight;
  const below = window.innerHeight - box.bottom;
  const above = below < height + 16 && box.top > below;
  const left = Math.min(box.left - frame.left, frame.width - element.offsetWidth);
  element.style.left = `${Math.max(0, left)}px`;
  element.style.top = `${(above ? box.top - height - 6 : box.bottom + 6) - frame.top}px`;
};
