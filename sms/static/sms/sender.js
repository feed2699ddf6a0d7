// Choosing a sender: only one of list and input is shown, and the list is what the account has now. Without this, the
// list is what it had when it was verified.

const OTHER = "other";

const follow = (box) => {
  const list = box.querySelector("[data-senders-list]");
  const listed = box.querySelector("[data-senders-box]");
  const typed = box.querySelector("[data-senders-typed]");
  const said = box.querySelector("[data-senders-said]");
  const id = box.dataset.sendersId;
  let asked = "";

  const show = () => {
    typed.hidden = !listed.hidden && list.value !== OTHER;
  };

  list.addEventListener("change", () => {
    show();
    // What was typed comes before what is chosen.
    if (list.value !== OTHER) typed.value = "";
    else typed.focus();
  });

  const fill = (senders) => {
    const value = typed.value.trim() || (list.value === OTHER ? "" : list.value);
    const [empty, other] = [list.options[0], list.options[list.options.length - 1]];
    const options = senders.map(({ address, words }) => new Option(words, address));
    list.replaceChildren(empty, ...options, other);
    const isListed = value === "" || senders.some(({ address }) => address === value);
    list.value = isListed ? value : OTHER;
    typed.value = isListed ? "" : value;
    if (listed.hidden) {
      // The label is that of what is seen.
      typed.id = `${id}_typed`;
      typed.setAttribute("aria-label", "Another one");
      list.id = id;
      listed.hidden = list.disabled = false;
    }
    show();
  };

  const entered = () => {
    const body = new URLSearchParams();
    for (const field of box.querySelectorAll("[data-senders-field]")) {
      const input = document.getElementById(`id_${field.dataset.sendersFrom}`);
      if (input) body.set(field.dataset.sendersField, input.value.trim());
    }
    return body;
  };

  const ask = async () => {
    const body = entered();
    if (body.toString() === asked) return;
    asked = body.toString();
    said.textContent = "Asking Twilio which numbers the account has …";
    try {
      const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
      const headers = { "X-CSRFToken": token };
      const answer = await fetch(box.dataset.senders, { method: "POST", body, headers, redirect: "error" });
      const { senders, words } = await answer.json();
      if (body.toString() !== asked) return;
      if (senders) fill(senders);
      said.textContent = words ?? "";
    } catch {
      // What was found when it was verified stands there still, and one can type.
      if (body.toString() === asked) said.textContent = "";
    }
  };

  show();
  if (!box.dataset.senders) return;
  for (const field of box.querySelectorAll("[data-senders-field]")) {
    document.getElementById(`id_${field.dataset.sendersFrom}`)?.addEventListener("change", ask);
  }
  ask();
};

for (const box of document.querySelectorAll("[data-senders]")) follow(box);
