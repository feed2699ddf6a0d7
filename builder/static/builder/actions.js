// The Actions field. Its text area stays the source of truth, with the browser's own undo, paste, input methods and
// screen reader support; references in it are painted as chips, listed below, and inserted by a menu.
//
// For other scripts:
// - the text area sends `input` after every change, whoever made it;
// - `new CustomEvent("mc-replace", { detail: { text, from, to } })` sent to it replaces a range (the selection, if none
//   is given) as if it had been typed, so that it can be undone, and leaves the caret behind the text;
// - `[data-lint]` below the field is a place for what they have to say.
import { Card } from "./actions_card.js";
import { Menu } from "./actions_menu.js";
import { Paint } from "./actions_paint.js";
import { icon, make, replace } from "./editing.js";

// A slash opens the menu at the start of a word, not in "and/or".
const MAY_PRECEDE_SLASH = /[\s([{“"'–—-]$/u;
// After these a reference wants a space.
const WANTS_SPACE = /[\p{L}\p{N}.,;:!?)\]}”]$/u;

const setUp = (root, number) => {
  root.id ||= `actions_${number}`;
  const field = root.querySelector("textarea");
  const box = root.querySelector("[data-box]");
  const leaveButton = root.querySelector("[name=_add_template]");
  const listed = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const templates = new Map(listed.map((template) => [template.name, template]));

  const said = make("p", { class: "mc-unseen", role: "status" });
  const sends = make("div", { class: "mc-actions-sends", hidden: true });
  const plus = make(
    "button",
    { type: "button", class: "mc-actions-plus", "aria-label": "Insert an SMS template", "aria-haspopup": "listbox", "aria-expanded": "false" },
    icon("add"),
  );
  box.append(plus);
  box.after(sends);
  root.append(said);
  root.classList.add("mc-live");
  field.placeholder ||= "Type / to insert an SMS template";

  const say = (words) => {
    said.textContent = words;
  };
  const stateOf = (name) => {
    const template = templates.get(name);
    return template ? (template.is_active ? "known" : "off") : "unknown";
  };
  const paint = new Paint(field, root.dataset.reference, stateOf);
  const card = new Card(root);

  const take = (template, from, to) => {
    const space = WANTS_SPACE.test(field.value.slice(0, from)) ? " " : "";
    replace(field, from, to, `${space}{{${template.name}}}`);
    say(`${template.name} is inserted.`);
  };

  // The server keeps the form and brings one back to it; the address that it is kept under makes the browser's own
  // way back lead there, too.
  const leave = (from, to) => {
    replace(field, from, to, "");
    if (WANTS_SPACE.test(field.value.slice(0, from))) replace(field, from, from, " ");
    root.querySelector("[name=_caret]").value = [...field.value.slice(0, field.selectionStart)].length;
    const kept = new URL(location.href);
    kept.searchParams.set("draft", field.form.elements._token.value);
    history.replaceState(history.state, "", kept);
    field.form.requestSubmit(leaveButton);
  };

  const menu = new Menu({
    root, field, take, say,
    templates: listed,
    whereIs: (place) => paint.where(place),
    add: leaveButton && leave,
  });
  root.addEventListener("mc-menu", () => {
    plus.setAttribute("aria-expanded", String(menu.isOpen));
    if (menu.isOpen) card.hide();
  });

  // The chips once more below the field, as links that a keyboard reaches.
  const list = () => {
    const names = [...new Set(paint.chips.map((chip) => chip.name))];
    if (sends.dataset.names === names.join()) return;
    sends.dataset.names = names.join();
    sends.hidden = !names.length;
    const chips = names.map((name) => {
      const template = templates.get(name);
      const state = stateOf(name);
      const words = { known: "", off: " · switched off", unknown: " · no such template" }[state];
      const chip = template?.url
        ? make("a", { href: template.url, target: "_blank", "aria-describedby": card.element.id }, name + words)
        : make("span", { tabindex: "0", "aria-describedby": card.element.id }, name + words);
      chip.className = "mc-ref";
      chip.dataset.state = state;
      const show = () => card.show(name, template, chip.getBoundingClientRect());
      chip.addEventListener("pointerenter", show);
      chip.addEventListener("focus", show);
      chip.addEventListener("pointerleave", () => card.hideSoon());
      chip.addEventListener("blur", () => card.hideSoon());
      return make("li", {}, chip);
    });
    sends.replaceChildren(make("span", { class: "mc-quiet" }, "Sends"), make("ul", {}, ...chips));
  };

  const redraw = () => {
    paint.draw();
    list();
  };

  field.addEventListener("input", (event) => {
    redraw();
    card.hide();
    if (event.isComposing) return;
    const caret = field.selectionStart;
    const before = field.value.slice(0, caret - 1);
    if (menu.isOpen) menu.follow();
    else if (event.data === "/" && field.value[caret - 1] === "/" && (!before || MAY_PRECEDE_SLASH.test(before))) {
      menu.open(caret - 1, caret);
    }
  });

  field.addEventListener("compositionstart", () => menu.close());

  field.addEventListener("keydown", (event) => {
    // 229: a key that an input method is still thinking about.
    if (event.isComposing || event.keyCode === 229) return;
    const plain = !(event.ctrlKey || event.metaKey || event.altKey || event.shiftKey);
    if (menu.isOpen && plain && menu.press(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
  // Until the caret leaves the chip: whoever sent the card away does not want it back with the next key.
  let dismissed = null;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    dismissed = paint.around(field.selectionStart) ?? null;
    card.hide();
  });

  // A chip goes as a whole.
  field.addEventListener("beforeinput", (event) => {
    if (event.isComposing || !event.cancelable || field.selectionStart !== field.selectionEnd) return;
    const edge = { deleteContentBackward: "to", deleteContentForward: "from" }[event.inputType];
    const chip = edge && paint.chips.find((one) => one[edge] === field.selectionStart);
    if (!chip || !templates.has(chip.name)) return;
    event.preventDefault();
    replace(field, chip.from, chip.to, "");
  });

  document.addEventListener("selectionchange", () => {
    if (document.activeElement !== field) return;
    if (menu.isOpen) {
      menu.followCaret();
      return;
    }
    const chip = paint.around(field.selectionStart);
    if (chip !== dismissed) dismissed = null;
    if (!chip) {
      if (!paint.hovered) card.hide();
    } else if (chip !== dismissed && card.name !== chip.name) {
      card.show(chip.name, templates.get(chip.name), chip.mark.getClientRects()[0]);
      say(Card.words(chip.name, templates.get(chip.name)));
    }
  });

  field.addEventListener("pointermove", (event) => {
    const chip = paint.under(event.clientX, event.clientY);
    if (chip && !menu.isOpen && card.name !== chip.name) {
      card.show(chip.name, templates.get(chip.name), chip.mark.getClientRects()[0]);
    }
    if (!chip && paint.hovered) card.hideSoon();
    paint.hovered = chip;
  });
  field.addEventListener("pointerleave", () => {
    if (paint.hovered) card.hideSoon();
    paint.hovered = null;
  });
  field.addEventListener("blur", (event) => {
    if (!card.element.contains(event.relatedTarget)) card.hideSoon();
  });

  plus.addEventListener("mousedown", (event) => event.preventDefault());
  plus.addEventListener("click", () => {
    field.focus();
    if (menu.isOpen) menu.close();
    else {
      field.setSelectionRange(field.selectionEnd, field.selectionEnd);
      menu.open(field.selectionEnd);
    }
  });

  // A finger held down, and Shift, get the browser's own menu: to paste, or to mend the spelling.
  field.addEventListener("contextmenu", (event) => {
    if (event.shiftKey || event.pointerType === "touch") return;
    event.preventDefault();
    field.focus();
    const pointed = event.pointerType === "mouse" && document.caretPositionFromPoint?.(event.clientX, event.clientY);
    const place = pointed && pointed.offsetNode === field ? pointed.offset : field.selectionEnd;
    field.setSelectionRange(place, place);
    menu.open(place);
  });

  field.addEventListener("mc-replace", (event) => {
    const { text, from = field.selectionStart, to = field.selectionEnd } = event.detail;
    replace(field, from, to, text);
  });

  redraw();
  addEventListener("pageshow", () => {
    // A browser that comes back to the page fills in what stood there.
    redraw();
    // Not before: the admin puts the focus on the first field.
    if (root.dataset.caret) {
      const caret = [...field.value].slice(0, Number(root.dataset.caret)).join("").length;
      field.focus();
      field.setSelectionRange(caret, caret);
    }
  });
};

document.querySelectorAll("[data-actions]").forEach(setUp);
