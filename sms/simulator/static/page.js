// What both parts of the page need: elements, words, and asking the carrier.
// Words from texts only ever enter the page as text nodes.

// Country codes have one, two or three digits; these are all those of one and two.
const COUNTRY = /^\+([17]|20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})(\d{4})(\d+)$/;

export const at = (id) => document.getElementById(id);

export function make(tag, className, words) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (words !== undefined) element.textContent = words;
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export function pretty(number) {
  return (number ?? "a messaging service")
    .replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 ($1) $2-$3")
    .replace(COUNTRY, "+$1 $2 $3");
}

export function lower(words) {
  return /^[A-Z][a-z]/.test(words ?? "") ? words[0].toLowerCase() + words.slice(1) : words;
}

export async function ask(method, path, body) {
  const options = { method, headers: { "Content-Type": "application/json" } };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response;
  try {
    response = await fetch(`/simulator/${path}`, options);
  } catch {
    throw new Error("The simulated carrier is not running.");
  }
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}
