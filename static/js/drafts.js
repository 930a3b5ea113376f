// Nothing typed is lost: every change goes to the server under a version, and stays in this browser until the
// server has it. Two tabs, an expired session, a network that is away: each says so and is made good in place.
(() => {
  "use strict";

  const form = () => document.querySelector("form#rubric");
  const copy = () => `draft ${form().dataset.whose}`;
  const OWN = ["csrfmiddlewaretoken", "lease_token", "draft_version", "shown", "then"];

  let dirty = false;
  let saving = false;
  let timer = 0;
  let wait = 1;
  let submitting = null; // the button of a submit that has not arrived

  function say(words, isLate = false) {
    for (const place of document.querySelectorAll("[data-saved]")) place.textContent = words;
    document.getElementById("saved")?.classList.toggle("unsaved", isLate);
  }

  // `version` is the server's, or null while it has not got this text.
  function remember(version = null) {
    const kept = [...new FormData(form())].filter(([name]) => !OWN.includes(name));
    try {
      localStorage.setItem(copy(), JSON.stringify({ kept, version, shown: form().elements.shown?.value }));
    } catch {} // no room, or none allowed: the server's copy remains
  }

  // Of a text that has changed since, what was written stays, and nothing is chosen.
  function restore(kept, isOutdated) {
    if (isOutdated) document.getElementById("outdated").hidden = false;
    for (const field of form().elements) {
      if (!field.name || OWN.includes(field.name) || field.type === "hidden" || field.type === "submit") continue;
      const isKept = (name) => name === field.name && (!isOutdated || field.type === "textarea");
      const values = kept.filter(([name]) => isKept(name)).map(([, value]) => value);
      if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
      else field.value = values[0] ?? "";
    }
  }

  function changed() {
    remember();
    // A change of mind is kept here alone: what has been handed in has no draft.
    if (!form().dataset.draft) return say("kept in this browser");
    dirty = true;
    say("saving");
    clearTimeout(timer);
    timer = setTimeout(save, 400);
  }

  function later() {
    dirty = dirty || !submitting;
    say(`not saved, kept here; trying again in ${wait} s`, true);
    clearTimeout(timer);
    timer = setTimeout(again, wait * 1000);
    wait = Math.min(wait * 2, 30);
  }

  // No answer, or one that asks to come again.
  const passes = (status) => !status || status >= 500 || status === 429;

  function again() {
    if (submitting?.isConnected) submitting.click();
    else save();
  }

  async function save(options) {
    const mine = form();
    if (!mine || saving || !dirty) return;
    saving = true;
    dirty = false;
    let answer = null;
    let kept = null;
    try {
      answer = await window.inPlace(mine.dataset.draft, new FormData(mine), options);
      // The next save names the version in this answer: none goes out before it is read.
      kept = answer.status === 200 ? await answer.json() : null;
    } catch {
      answer = null; // offline
    }
    saving = false;
    if (form() !== mine) return;
    if (kept) saved(kept);
    else if (answer?.status === 409) await differ(await answer.text());
    else if (answer?.status === 401) signIn();
    else if (passes(answer?.status)) later();
    // Overtaken by its own submit, which brings another screen, or handed in from another tab.
    else if (answer.status === 204) submitting || say("not saved: you have handed this item in", true);
    // All that this browser had of the session is gone: to sign in, a page is needed.
    else if (answer.status === 403) say("not saved: reload the page, your text is kept", true);
    else say("not saved: the item is closed for you", true);
  }

  function saved({ version, at }) {
    form().elements.draft_version.value = version;
    wait = 1;
    if (dirty) return save();
    remember(version);
    say(`saved ${at}`);
  }

  // Another tab has saved since: both texts are shown, and the person chooses.
  function differ(texts) {
    const dialog = document.getElementById("conflict");
    dialog.innerHTML = texts;
    window.htmx.process(dialog);
    say("not saved: another tab has", true);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("h2").focus();
  }

  function signIn() {
    dirty = dirty || !submitting;
    say("not saved: you were signed out", true);
    window.signIn(again);
  }

  document.addEventListener("click", ({ target }) => {
    const keep = target.closest("[data-keep]");
    if (keep) {
      form().elements.draft_version.value = keep.dataset.keep;
      dirty = true;
      document.getElementById("conflict").close();
      save();
    }
    if (target.closest("[data-take]")) {
      dirty = false;
      localStorage.removeItem(copy());
    }
  });

  // A `change` follows when the field is left, with nothing new in it.
  document.addEventListener("input", ({ target }) => target.form && target.form === form() && changed());
  const leave = () => dirty && save({ keepalive: true });
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : (dirty || submitting) && again()));
  window.addEventListener("online", again);

  // Submits go through htmx, with the same care.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!detail.elt.closest("#review")) return;
    delete detail.parameters.csrfmiddlewaretoken;
    Object.assign(detail.headers, window.inPlaceHeaders());
    delete detail.headers["X-Requested-With"];
    if (detail.elt !== form() && dirty && !submitting) save();
    if (detail.elt === form() && detail.verb === "post") {
      clearTimeout(timer);
      submitting = detail.triggeringEvent?.submitter ?? null;
      remember();
    }
  });
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    // Handed in, and on to another page: nothing is swapped.
    if (detail.requestConfig.elt !== form() || !detail.xhr.getResponseHeader("HX-Redirect")) return;
    localStorage.removeItem(copy());
    dirty = false;
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    // A refusal that brings the screen with all that was typed, or its reason to another place.
    const isShown = detail.serverResponse.includes('id="review"') || detail.xhr.getResponseHeader("HX-Retarget");
    if (detail.xhr.status >= 400 && isShown) Object.assign(detail, { shouldSwap: true, isError: false });
    if (detail.target.id !== "review" || !detail.shouldSwap) return;
    // What is typed here stays when another item is taken back.
    if (detail.xhr.status < 300 && detail.requestConfig.elt === form()) localStorage.removeItem(copy());
    dirty = false;
    submitting = null;
    wait = 1;
  });
  document.addEventListener("htmx:responseError", ({ detail }) => {
    if (detail.xhr.status === 401) signIn();
    else if (submitting && passes(detail.xhr.status)) later();
    else if (submitting) say("not sent: reload the page, your text is kept", true);
  });
  document.addEventListener("htmx:sendError", () => submitting && later());

  function begin() {
    if (!form()) return;
    const { kept, version, shown } = JSON.parse(localStorage.getItem(copy())) ?? {};
    // A page that was asked for while the last save was under way shows less than the server has.
    if (!kept || (version !== null && version <= Number(form().elements.draft_version.value))) return;
    restore(kept, Boolean(shown) && shown !== form().elements.shown.value);
    if (version !== null) return void (form().elements.draft_version.value = version);
    // What the page before sent when it was left may be on its way still: sent once more it is the same text, and
    // what is typed from here on is newer than both.
    changed();
    save();
  }
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("htmx:load", ({ detail }) => detail.elt.id === "review" && begin());
})();
