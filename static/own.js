// Keeps a sealed draft while somebody types, hides the page on a quick exit, and asks the house again when a page comes back from the browser's memory.
"use strict";
// The word that something was saved is said once: a reload must not say it again.
const said = new URLSearchParams(location.search);
if (["saved", "dropped"].some((word) => said.has(word))) history.replaceState(null, "", location.pathname + location.hash);
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
const drafts = [];
for (const form of document.querySelectorAll("form[data-autosave]")) {
  const status = form.querySelector("[data-autosave-status]");
  const field = (name) => form.elements.namedItem(name);
  const say = (text) => { status.textContent = text; };
  // A reload, a change of language and a second window come back to this draft.
  const name = () => { if (field("draft_version").value !== "0") history.replaceState(null, "", `${form.dataset.at}?draft=${field("draft").value}`); };
  let timer = 0, first = 0, dirty = false, leaving = false, carried = false, sending = null;
  const later = (wait) => {
    clearTimeout(timer);
    first ||= Date.now();
    // Whoever types without a pause is kept every ten seconds all the same.
    timer = setTimeout(keep, Math.min(wait, Math.max(0, first + 10000 - Date.now())));
  };
  const send = async (last) => {
    clearTimeout(timer);
    [first, dirty] = [0, false];
    const body = new URLSearchParams(new FormData(form));
    // A browser carries no more than 64 KiB past the end of a page.
    const keepalive = last && body.toString().length < 60000;
    const answer = await fetch(form.dataset.autosave, { method: "POST", body, keepalive, headers: { Accept: "application/json" }, redirect: "manual", signal: AbortSignal.timeout(8000) }).catch(() => null);
    if (answer?.ok) {
      const kept = await answer.json();
      say(kept.draft === field("draft").value ? status.dataset.kept : status.dataset.apart);
      for (const [hidden, value] of Object.entries(kept)) field(hidden).value = value;
      name();
    } else if (answer?.status === 409) {
      say(status.dataset.sent);
    } else {
      say(status.dataset.lost);
      dirty = true;
      // The network comes back; a lost session does not by itself.
      if (!answer || answer.status === 503) setTimeout(() => later(0), 10000);
    }
    return answer?.status;
  };
  // One at a time: each answer says which version the next one is over.
  const keep = (last = false) => {
    if (sending) return sending.then(() => (dirty ? keep(last) : undefined));
    sending = send(last).finally(() => { sending = null; });
    return sending;
  };
  name();
  form.addEventListener("input", () => { dirty = true; say(""); later(2000); });
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.classList.contains("dh-autosave__button")) {
      if (carried) return;
      event.preventDefault();
      // Without a session the form itself goes, through signing in again.
      keep().then((status) => {
        carried = status === 401;
        if (carried) form.requestSubmit(button);
      });
    } else if (sending) {
      // What is on its way first: its answer says which draft this form ends.
      event.preventDefault();
      sending.then(() => form.requestSubmit(button));
    } else {
      leaving = true;
      clearTimeout(timer);
    }
  });
  drafts.push(() => (dirty && !leaving ? keep(true) : undefined));
}
const flush = () => Promise.all(drafts.map((keep) => keep()));
addEventListener("pagehide", flush);
document.addEventListener("visibilitychange", () => { if (document.hidden) flush(); });
// Nothing is seen any more at once; what was typed is kept before the session ends, if that does not take long.
document.querySelector(".dh-exit")?.addEventListener("click", (event) => {
  event.preventDefault();
  document.title = "";
  document.documentElement.hidden = true;
  const away = () => location.replace("/exit");
  Promise.race([flush(), new Promise((done) => setTimeout(done, 700))]).finally(away);
});
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
