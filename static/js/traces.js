// The trace list's menus close like menus, blank fields stay out of the address, and x chooses rows.
(() => {
  "use strict";

  const open = () => document.querySelectorAll("details.pick[open]");

  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // A menu opened by its key or a click starts at its first field or link.
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details.pick[open]")) {
      event.target.querySelector(".pick-menu :is(input:not([type=hidden]), select)")?.focus();
    }
  }, true);

  // x chooses the row in focus; X, or a click with shift, all rows since the last one chosen.
  let last = null;

  const boxes = () => [...document.querySelectorAll("[form=enqueue][name=trace]")];

  function count() {
    const chosen = boxes().filter((box) => box.checked).length;
    document.querySelector("[data-chosen]").textContent = `${chosen} trace${chosen === 1 ? "" : "s"} chosen`;
  }

  function choose(box, isRange) {
    const all = boxes();
    const from = isRange && all.includes(last) ? all.indexOf(last) : all.indexOf(box);
    const [low, high] = [from, all.indexOf(box)].sort((a, b) => a - b);
    for (const each of all.slice(low, high + 1)) each.checked = box.checked;
    last = box;
    count();
  }

  document.addEventListener("click", ({ target, shiftKey }) => target.matches("[form=enqueue][name=trace]") && choose(target, shiftKey));
  document.addEventListener("reset", () => setTimeout(count));
  document.addEventListener("keydown", (event) => {
    const box = event.target.closest("tr")?.querySelector("[form=enqueue][name=trace]");
    if (!box || event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    box.checked = event.shiftKey || !box.checked;
    choose(box, event.shiftKey);
  });

  document.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData.entries()]) if (!value) event.formData.delete(name);
  });
})();
