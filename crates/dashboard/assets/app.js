// What is nicer with JavaScript; every page works without.
"use strict";

// A list of mistakes is read and reached first.
document.querySelector(".summary")?.focus();

// Where the address has a fragment, browsers do not heed autofocus, and take the focus away when they go to it.
if (location.hash) {
  addEventListener("load", () => {
    requestAnimationFrame(() => document.querySelector("main [autofocus]")?.focus());
  });
}

// What was collected, and is not stored, is not lost by a slip: <section data-unsaved>. Forms carry it along, so that they may go.
if (document.querySelector("[data-unsaved]")) {
  let leaves = true;
  document.addEventListener("submit", () => (leaves = false));
  document.addEventListener("click", (event) => {
    if (event.target.closest("a[data-discard]")) leaves = false;
  });
  addEventListener("beforeunload", (event) => {
    if (leaves) event.preventDefault();
  });
}

// <button data-copy="ID" data-done="TEXT" hidden>: copies the text of the element.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    const before = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => (button.textContent = before), 2000);
  });
}

// A field that filters the list beside it: <input data-filter="ID">.
for (const field of document.querySelectorAll("input[data-filter]")) {
  field.hidden = false;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const item of document.getElementById(field.dataset.filter).children) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
    }
  });
}
