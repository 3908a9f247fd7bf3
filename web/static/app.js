// Conveniences only: every page works without this file.
"use strict";

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-more-rows]");
  if (!button) return;
  event.preventDefault();
  const rows = button.closest("[data-rows]");
  const last = [...rows.querySelectorAll("[data-row]")].pop();
  const next = last.cloneNode(true);
  const number = rows.querySelectorAll("[data-row]").length + 1;
  for (const field of next.querySelectorAll("input")) {
    field.value = field.name === "quantity" ? "1" : "";
    field.id = `${field.name}-${number}`;
  }
  for (const label of next.querySelectorAll("label")) {
    label.htmlFor = label.htmlFor.replace(/\d+$/, number);
    label.textContent = label.textContent.replace(/\d+$/, number);
  }
  last.after(next);
  next.querySelector("input").focus();
});
