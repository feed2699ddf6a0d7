// Paints chips behind the text of the Actions field: a copy of the text, seen only where it refers to a template.
// By the copy it also knows where on the page a character stands.
import { make } from "./editing.js";

export class Paint {
  // `reference` finds a reference and its name; `stateOf` says of a name: known, off or unknown.
  constructor(field, reference, stateOf) {
    this.field = field;
    this.reference = new RegExp(reference, "gu");
    this.stateOf = stateOf;
    this.layer = make("div", { class: "mc-actions-paint", "aria-hidden": "true" });
    this.chips = [];
    field.before(this.layer);
    this.draw();
  }

  // Elements are made anew only when their number changes; else texts are exchanged. (The page watches the form for
  // elements that come and go, to know when something is unsaved.)
  draw() {
    const text = this.field.value;
    const found = [...text.matchAll(this.reference)];
    if (found.length !== this.chips.length || !this.layer.hasChildNodes()) {
      const marks = found.flatMap(() => [new Text(), make("mark", {}, new Text())]);
      // A last line without a character would have no height.
      this.layer.replaceChildren(...marks, new Text(), "\u200b");
    }
    const nodes = [...this.layer.childNodes];
    let end = 0;
    this.chips = found.map((match, index) => {
      const [before, mark] = nodes.slice(2 * index);
      const chip = { name: match[1], from: match.index, to: match.index + match[0].length, mark };
      before.data = text.slice(end, chip.from);
      mark.firstChild.data = match[0];
      const state = this.stateOf(chip.name);
      if (mark.dataset.state !== state) mark.dataset.state = state;
      end = chip.to;
      return chip;
    });
    nodes[2 * found.length].data = text.slice(end);
  }

  // The chip that a place lies in, not at its edges.
  around(place) {
    return this.chips.find((chip) => chip.from < place && place < chip.to);
  }

  under(x, y) {
    return this.chips.find((chip) =>
      [...chip.mark.getClientRects()].some((box) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom),
    );
  }

  // Where a character stands in the window.
  where(place) {
    let left = place;
    const texts = document.createTreeWalker(this.layer, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { data } = texts.currentNode;
      if (left < data.length) {
        const range = document.createRange();
        range.setStart(texts.currentNode, left);
        range.setEnd(texts.currentNode, left + 1);
        return range.getClientRects()[0] ?? range.getBoundingClientRect();
      }
      left -= data.length;
    }
    return this.layer.getBoundingClientRect();
  }
}
