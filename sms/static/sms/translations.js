// Adds texts in more languages without a page load. Without this, each saving leaves room for one more.

export const offerLanguages = (box) => {
  const add = box.querySelector("[data-add]");
  const blank = box.querySelector("template");
  const total = box.querySelector("[name$=-TOTAL_FORMS]");
  const most = Number(box.dataset.most);

  box.querySelector("[data-extra]")?.remove();
  add.hidden = false;

  add.addEventListener("click", () => {
    const card = document.createElement("template");
    card.innerHTML = blank.innerHTML.replaceAll("__prefix__", Number(total.value));
    total.value = Number(total.value) + 1;
    add.before(card.content);
    add.previousElementSibling.querySelector("input").focus();
    add.disabled = box.querySelectorAll("[data-translation]").length >= most;
    // The form has a text more.
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });
};
