// A card for each placeholder of the texts, in the order of their first use, as they are typed. What was typed into a
// card stays with it: when its placeholder is renamed, and when it is removed and typed again.

// How long nobody types before a screen reader is told of new cards.
const PAUSE = 1000;

export const followPlaceholders = (box, texts, form) => {
  const pattern = new RegExp(box.dataset.placeholder, "g");
  const blank = box.querySelector("template");
  const none = box.querySelector("[data-none]");
  const said = box.querySelector("[data-said]");
  let timer = 0;
  let told = null;

  const written = () => {
    const names = texts().flatMap((field) => [...field.value.matchAll(pattern)].map((match) => match[1]));
    return [...new Set(names)].slice(0, Number(box.dataset.most));
  };
  const cards = () => [...box.querySelectorAll("[data-variable]")];
  const card = (name) => cards().find((each) => each.dataset.variable === name);
  const shown = () => cards().filter((each) => !each.hidden).map((each) => each.dataset.variable);

  const create = (name) => {
    const created = document.createElement("template");
    created.innerHTML = blank.innerHTML.replaceAll("__name__", name);
    blank.before(created.content);
    const made = blank.previousElementSibling;
    made.dataset.isNew = "";
    return made;
  };

  const isTouched = (each) =>
    !("isNew" in each.dataset) ||
    [...each.querySelectorAll("input, select")].some((field) => {
      if (field.type === "checkbox") return field.checked !== field.defaultChecked;
      if (field.tagName === "SELECT") return ![...field.options].every((option) => option.selected === option.defaultSelected);
      return field.value !== field.defaultValue;
    });

  const rename = (each, name) => {
    const before = each.dataset.variable;
    for (const element of each.querySelectorAll("*")) {
      for (const attribute of ["id", "name", "for", "aria-describedby"]) {
        const value = element.getAttribute(attribute);
        if (value) element.setAttribute(attribute, value.replaceAll(`var-${before}-`, `var-${name}-`));
      }
    }
    each.dataset.variable = name;
    each.querySelector("legend").textContent = name;
    each.querySelector("summary .sr-only").textContent = ` of ${name}`;
  };

  const drop = (each) => {
    if (isTouched(each)) each.hidden = true;
    else each.remove();
  };

  const tell = (names) => {
    const fresh = told && names.filter((name) => !told.includes(name));
    if (fresh?.length) said.textContent = `New below the text, to be described: ${fresh.join(", ")}.`;
    told = names;
  };

  const follow = () => {
    const before = shown();
    const now = written();
    const gone = before.filter((name) => !now.includes(name));
    const fresh = now.filter((name) => !before.includes(name));
    const isRenamed = gone.length === 1 && fresh.length === 1 && before.indexOf(gone[0]) === now.indexOf(fresh[0]);
    if (isRenamed && !card(fresh[0])) {
      rename(card(gone[0]), fresh[0]);
    } else {
      for (const name of gone) drop(card(name));
      for (const name of fresh) (card(name) ?? create(name)).hidden = false;
    }
    if (String(shown()) !== String(now)) blank.before(...now.map(card));
    none.hidden = now.length > 0;
    clearTimeout(timer);
    timer = setTimeout(tell, PAUSE, now);
  };

  const listen = (event) => {
    // Half a character of Chinese is no name.
    if (!event.isComposing && !box.contains(event.target)) follow();
  };
  for (const kind of ["input", "change", "compositionend"]) form.addEventListener(kind, listen);
  told = shown();
  follow();
};
