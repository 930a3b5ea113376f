// The judges' pages: variables for a prompt, and keys for the list of disagreements.
(() => {
  "use strict";

  // In the editor of a version a variable goes where the cursor stands in the prompt.
  document.addEventListener("click", (event) => {
    const prompt = document.getElementById("id_prompt");
    const variable = event.target.closest("[data-insert]")?.dataset.insert;
    if (!prompt || !variable) return;
    prompt.setRangeText(variable, prompt.selectionStart, prompt.selectionEnd, "end");
    prompt.focus();
  });

  // 1 to 4 name what was wrong in the row that has the focus.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-4]$/.test(event.key)) return;
    const row = document.activeElement.closest(".disagreements tr");
    const button = row?.querySelector(`[data-cause="${event.key}"]`);
    if (!button) return;
    event.preventDefault();
    button.click();
  });
})();
