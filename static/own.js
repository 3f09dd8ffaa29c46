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
// Shows how far an upload is; without this the browser sends the form by itself.
const wire = () => {
  const form = document.querySelector("form[data-upload]");
  if (!form) return;
  const [status, bar, button] = ["[data-upload-status]", "progress", "button"].map((query) => form.querySelector(query));
  const say = (busy, text) => { button.disabled = busy; bar.hidden = !busy; status.hidden = !text; status.textContent = text; };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const sending = new XMLHttpRequest();
    sending.upload.addEventListener("progress", (now) => { if (now.lengthComputable) bar.value = (100 * now.loaded) / now.total; });
    sending.addEventListener("error", () => say(false, status.dataset.lost));
    // The answer, the list or a fault, takes the place of this page.
    sending.addEventListener("load", () => {
      const page = new DOMParser().parseFromString(sending.responseText, "text/html");
      const file = form.querySelector("[type=file]");
      document.querySelector("main").replaceWith(page.querySelector("main"));
      // What was chosen stays chosen when something else is at fault.
      if (sending.status === 422) document.querySelector("[type=file]")?.replaceWith(file);
      scrollTo(0, 0);
      (document.querySelector(".govuk-error-summary") ?? document.querySelector("main")).focus();
      wire();
    });
    const body = new FormData(form);
    say(true, status.dataset.sending);
    sending.open("POST", form.action);
    sending.send(body);
  });
};
wire();
