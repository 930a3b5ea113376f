// What is typed outlives a session: whoever was signed out signs in where they are, and goes on.
//   #sign-in             the dialog for it (shell/sign_in.html)
//   form[data-rescue]    is sent only once the address named there has answered: its page is left for an answer,
//                        never for a login, and not by a link before it was asked
(() => {
  "use strict";

  const dialog = () => document.getElementById("sign-in");
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";

  window.inPlaceHeaders = () => ({ "x-csrftoken": token(), "X-In-Place": "1", "X-Requested-With": "XMLHttpRequest" });
  window.inPlace = (address, body, options = {}) => {
    body.delete("csrfmiddlewaretoken");
    return fetch(address, { method: "POST", body, headers: window.inPlaceHeaders(), ...options });
  };

  let next = () => {};
  window.signIn = (then) => {
    next = then;
    if (!dialog().open) dialog().showModal();
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.id !== "sign-in-form") return;
    event.preventDefault();
    const answer = await window.inPlace(form.action, new FormData(form)).catch(() => null);
    form.querySelector("[role=alert]").textContent = answer?.ok ? "" : "That did not work. Check the password, or sign in in another tab.";
    if (!answer?.ok) return;
    form.reset();
    dialog().close();
    next();
  });
  document.addEventListener("click", ({ target }) => target.closest("#sign-in [data-close]") && dialog().close());

  // What was refused comes back typed, and saved nowhere.
  let typed = document.querySelector("form[data-unsaved]") !== null;
  let asking = false;
  let sure = null; // the form that is sent without asking

  async function ask(form, send) {
    if (asking) return;
    asking = true;
    const options = { headers: window.inPlaceHeaders(), signal: AbortSignal.timeout(10000) };
    const answer = await fetch(form.dataset.rescue, options).catch(() => null);
    asking = false;
    if (answer?.status === 401) return window.signIn(() => ask(form, send));
    document.getElementById("toast").textContent = answer?.ok ? "" : "Not sent: no answer from the server. Your text is still here.";
    if (!answer?.ok) return;
    // Of this session: the page's own are those of the session that has ended.
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token();
    if (dialog().open) dialog().close();
    send();
  }

  const leave = (form, button) => {
    sure = form;
    form.requestSubmit(button);
    sure = null;
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-rescue]")) return;
    if (form === sure) return void (typed = false);
    event.preventDefault();
    ask(form, () => leave(form, event.submitter));
  });
  document.addEventListener("htmx:confirm", (event) => {
    const { elt, verb, issueRequest } = event.detail;
    const form = elt.closest("form[data-rescue]");
    if (!form || verb !== "post") return;
    event.preventDefault();
    typed = true; // a step changes the form, and saves nothing
    ask(form, () => issueRequest(true));
  });

  document.addEventListener("input", ({ target }) => (typed = typed || !!target.closest("form[data-rescue]")));
  window.addEventListener("beforeunload", (event) => typed && event.preventDefault());
  // Back from another tab, where one may have signed in.
  const isRescued = () => dialog()?.open && document.querySelector("form[data-rescue]");
  document.addEventListener("visibilitychange", () => !document.hidden && isRescued() && next());
})();
