// Keeps a sealed draft while somebody types, and asks the house again when a page comes back from the browser's memory.
"use strict";
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
for (const form of document.querySelectorAll("form[data-autosave]")) {
  const done = form.querySelector("[data-autosave-done]");
  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.autosave, { method: "POST", body, redirect: "manual" }).catch(() => null);
      if (done) done.hidden = !(answer && answer.ok);
    }, 2000);
  });
}
