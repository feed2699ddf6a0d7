// Shows what belongs to Twilio only while Twilio is the provider.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const provider = document.getElementById("id_provider");
  const parts = document.querySelectorAll("fieldset.only-twilio");
  if (!provider || !parts.length) return;
  const show = () => {
    for (const part of parts) {
      // What is refused must be seen.
      const refused = part.querySelector(".errors") !== null;
      part.classList.toggle("mc-hidden", provider.value !== "twilio" && !refused);
    }
  };
  provider.addEventListener("change", show);
  show();
});
