// Keys for a page, declared in its markup and never active while someone types.
//   data-key="n"         a link, button or field: n follows, presses or focuses it
//   data-row             the link of a row: j and k move through the rows in view, Enter follows
//   data-enter           what Enter follows or presses while nothing else has the focus
//   data-copy="#id"      a button: copies that element's text and says so
// While a dialog, menu or sheet is open, keys act in it alone; the key that has opened it closes it.
(() => {
  "use strict";

  // On a phone the navigation is a strip: the page one is on is brought into view.
  document.querySelector(".rail-link[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  const typing = (element) =>
    element.isContentEditable || element.matches("input:not([type=checkbox], [type=radio]), textarea, select");

  // What lies over the page: of one that was opened from another, the later in the document.
  window.inFront = () => [...document.querySelectorAll("dialog[open], :popover-open, details.pick[open]")].at(-1);

  const rows = (here) => [...here.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);

  function move(all, step) {
    const here = all.indexOf(document.activeElement.closest("tr, li, article")?.querySelector("[data-row]"));
    const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + step));
    all[next].focus({ focusVisible: true });
    all[next].scrollIntoView({ block: "nearest" });
  }

  function use(element) {
    if (typing(element)) {
      element.focus();
      if (element.matches("input")) element.select();
      else if (element.matches("textarea")) element.setSelectionRange(element.value.length, element.value.length);
    } else {
      element.click();
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target)) {
      if (event.key !== "Escape") return;
      event.target.blur();
      // The words of a search stay, and so does what they found: some browsers clear the field otherwise.
      if (event.target.matches("[type=search]")) event.preventDefault();
      return;
    }
    const steps = { j: 1, k: -1 };
    const layer = window.inFront();
    const here = layer ?? document;
    const isHere = (element) => here.contains(element) || element.getAttribute("popovertarget") === layer.id;
    const keyed = [...document.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]:not(:disabled)`)].find(isHere);
    const idle = event.key === "Enter" && !event.target.closest("a, button, summary, input");
    const entered = idle && here.querySelector("[data-enter]");
    if (keyed) use(keyed);
    else if (event.key in steps && rows(here).length) move(rows(here), steps[event.key]);
    else if (entered) entered.click();
    else return;
    event.preventDefault();
  });

  let toasted = 0;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
    const toast = document.getElementById("toast");
    toast.textContent = "Copied";
    clearTimeout(toasted);
    toasted = setTimeout(() => toast.replaceChildren(), 10000);
  });
})();
