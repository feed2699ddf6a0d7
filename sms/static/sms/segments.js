// Counts a text below its field as carriers do (3GPP TS 23.038): characters, encoding, segments.
// sms/text.py has the last word; this is for the eye.
"use strict";

(() => {
  const GSM = new Set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ" +
      "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
  );
  // These take an escape and so two places.
  const GSM_TWO = new Set("^{}\\[~]|€\f");
  const GSM_SIZES = { one: 160, each: 153 };
  const UCS2_SIZES = { one: 70, each: 67 };

  // What is sent together must not be cut: an escape with its character, both halves of a surrogate pair.
  const segments = (places, sizes) => {
    const total = places.reduce((sum, width) => sum + width, 0);
    if (total <= sizes.one) return 1;
    let count = 1;
    let used = 0;
    for (const width of places) {
      if (used + width > sizes.each) {
        count += 1;
        used = 0;
      }
      used += width;
    }
    return count;
  };

  const size = (text) => {
    const characters = [...text];
    const foreign = characters.filter((character) => !GSM.has(character) && !GSM_TWO.has(character));
    if (!foreign.length) {
      const places = characters.map((character) => (GSM_TWO.has(character) ? 2 : 1));
      return { characters: characters.length, encoding: "GSM-7", segments: segments(places, GSM_SIZES), foreign };
    }
    const places = characters.map((character) => character.length);
    return { characters: characters.length, encoding: "UCS-2", segments: segments(places, UCS2_SIZES), foreign };
  };

  const sentence = (text) => {
    const found = size(text.replace(/\r\n/g, "\n"));
    const parts = [
      `${found.characters} characters`,
      `${found.segments} ${found.segments === 1 ? "segment" : "segments"} (${found.encoding})`,
    ];
    if (/\{\{.*?\}\}/.test(text)) parts.push("the agent's words come on top");
    const odd = [...new Set(found.foreign)].slice(0, 5).join(" ");
    if (odd) parts.push(`${odd} leaves room for 70 characters a segment instead of 160`);
    return parts.join(" · ");
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const field of document.querySelectorAll("textarea[data-segments]")) {
      const line = document.createElement("p");
      line.className = "mc-count";
      line.setAttribute("role", "status");
      field.after(line);
      const tell = () => {
        line.textContent = sentence(field.value);
      };
      field.addEventListener("input", tell);
      tell();
    }
  });
})();
