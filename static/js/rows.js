// Lists of rows: a new one is there at once, Enter goes on to the next, and a copied list becomes a row for each line.
//   data-rows="c1-o"   the list, followed by the <template> of a row, whose number is NEW, and by the button #c1-o-add
//   data-next          the number of the next row;  data-room: so many more are allowed
// Everything else, and what is beyond the room, is the server's.
(() => {
  "use strict";

  const adding = (list) => document.getElementById(`${list.dataset.rows}-add`);

  function add(list) {
    const row = list.parentElement.querySelector("template").content.firstElementChild.cloneNode(true);
    for (const part of [row, ...row.querySelectorAll("*")])
      for (const attribute of part.attributes) attribute.value = attribute.value.replace("NEW", list.dataset.next);
    list.dataset.next++;
    list.dataset.room--;
    list.append(row);
    htmx.process(row);
    row.querySelector("input").focus();
  }

  document.addEventListener("click", (event) => {
    const list = event.target.closest("[name=add]")?.closest("fieldset")?.querySelector("[data-rows]");
    const isServers = !list || list.dataset.room < 2 || document.getElementsByName(`${list.dataset.rows}-pasted`)[0].value;
    if (isServers) return;
    event.preventDefault();
    event.stopPropagation();
    add(list);
  }, true);

  document.addEventListener("keydown", (event) => {
    const list = event.target.closest("[data-rows]");
    if (event.key !== "Enter" || !list || !event.target.matches("input") || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const column = event.target.name.split("-").pop();
    const next = event.target.closest("li").nextElementSibling?.querySelector(`[name$="-${column}"]`);
    if (next) return next.focus();
    adding(list).click();
    list.lastElementChild.querySelector(`[name$="-${column}"]`)?.focus();
  });

  document.addEventListener("paste", (event) => {
    const list = event.target.matches("input") && event.target.closest("[data-rows]");
    const text = event.clipboardData.getData("text/plain").trim();
    if (!list || !/[\n\t]/.test(text) || adding(list).disabled) return;
    event.preventDefault();
    document.getElementsByName(`${list.dataset.rows}-pasted`)[0].value = text;
    adding(list).click();
  });
})();
