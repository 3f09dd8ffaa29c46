// Keeps a sealed draft while somebody types, and asks the house again when a page comes back from the browser's memory.
"use strict";
// The word that something was saved is said once: a reload must not say it again.
if (new URLSearchParams(location.search).has("saved")) history.replaceState(null, "", location.pathname);
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
for (const form of document.querySelectorAll("form[data-autosave]")) {
  const status = form.querySelector("[data-autosave-status]");
  const say = (text) => { if (status) status.textContent = text; };
  let timer = 0;
  form.addEventListener("submit", () => clearTimeout(timer));
  form.addEventListener("input", () => {
    clearTimeout(timer);
    say("");
    timer = setTimeout(async () => {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.autosave, { method: "POST", body, redirect: "manual" }).catch(() => null);
      say(answer && answer.ok ? status.dataset.kept : status.dataset.lost);
    }, 2000);
  });
}
