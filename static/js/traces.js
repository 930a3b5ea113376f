// The trace list's menus close like menus, and blank fields stay out of the address.
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

  document.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData.entries()]) if (!value) event.formData.delete(name);
  });
})();
