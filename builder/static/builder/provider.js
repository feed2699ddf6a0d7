// Shows what belongs to Twilio only while Twilio is the provider.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const provider = document.getElementById("id_provider");
  const parts = document.querySelectorAll("fieldset.only-twilio");
  if (!provider || !parts.length) return;
  const show = () => {
    for (const part of parts) part.classList.toggle("mc-hidden", provider.value !== "twilio");
  };
  provider.addEventListener("change", show);
  show();
});
