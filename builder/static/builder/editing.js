// Small helpers of the scripts that change what is typed.

// Replaces a range of a text area as if it had been typed: it can be undone, and `input` is sent. The caret stands
// behind the text afterwards.
export const replace = (field, from, to, text) => {
  if (from === to && !text) return;
  field.focus();
  field.setSelectionRange(from, to);
  // Deprecated, and the only way there is into a field's undo history.
  if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

// An element with attributes, and children that are elements or text.
export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

export const icon = (name) => make("span", { class: "material-symbols-outlined", "aria-hidden": "true" }, name);
