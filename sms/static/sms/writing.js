// Writing a template: a card for each placeholder as it is typed, texts in more languages, and what callers will get.
// The server counts and renders (sms/preview.py); these show it.
import { followPlaceholders } from "./variables.js";
import { offerLanguages } from "./translations.js";
import { showPreviews } from "./preview.js";

const variables = document.querySelector("[data-variables]");
const translations = document.querySelector("[data-translations]");

if (variables && translations) {
  const form = variables.closest("form");
  const isDropped = (field) => field.closest("[data-translation]")?.querySelector("[name$=-DELETE]").checked;
  const texts = () => [...form.querySelectorAll("textarea[data-text]")].filter((field) => !isDropped(field));
  // In this order: what is asked of the server has the cards, and the texts, that there are.
  offerLanguages(translations);
  followPlaceholders(variables, texts, form);
  showPreviews(form);
}
