// The reviewer's keys: one criterion in focus, its options by number; and the clock of the lease.
//   data-criterion    a part of the rubric that j and k lead to; 1-9 choose among its options
//   data-choice       an entry of an open menu, chosen by its number
// Single letters are declared in the markup (keys.js).
(() => {
  "use strict";

  const form = () => document.querySelector("form#rubric");
  const typing = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  // What is left to do with an item that is held no more: nothing can be submitted then.
  const onward = () => document.querySelector("#lost:not([hidden]) :is(button, a)");
  // Typing to a lead, one hands in what one types, not the label.
  const ofFlag = (target) => target.closest("#flag-it")?.querySelector("button");
  const press = (id) => document.getElementById(id)?.click();
  // Who presses the key again for the last item means that one: an unanswered item that has only just come in
  // its place is not handed in. The refusal would come in between what is typed by then.
  const JUST_MS = 300;
  let came = -Infinity;
  const answered = () => form().querySelector(":is([name=verdict], [name=preference]):checked");
  const handIn = () => (answered() || performance.now() - came > JUST_MS ? document.getElementById("submit-next") : null);
  const every = () => document.querySelectorAll("form#rubric [data-criterion]");
  const parts = () => [...every()].filter((part) => part.offsetParent); // those to be seen: asks for a layout
  const current = () => document.querySelector("form#rubric [data-criterion].current");

  function lead(part) {
    for (const other of every()) {
      other.classList.toggle("current", other === part);
      other.querySelector("button.criterion-head")?.setAttribute("aria-expanded", other === part);
    }
  }

  function enter(part) {
    lead(part);
    part.querySelector("input:checked, input, textarea").focus({ focusVisible: true });
    part.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = parts();
    const next = all.indexOf(current()) + step;
    if (next < all.length) enter(all[Math.max(next, 0)]);
    else document.getElementById("submit-next").focus({ focusVisible: true });
  }

  function choose(number) {
    const option = current()?.querySelectorAll("input:is([type=radio], [type=checkbox])")[number - 1];
    option?.click();
    if (option?.closest(".many")) option.focus(); // what it means is told of the one in focus
  }

  // A menu or sheet that lies over the page has keys of its own, and the form behind it none.
  function within(layer, event) {
    const { key, target } = event;
    const hasOther = event.ctrlKey || event.metaKey;
    let meant = null;
    if (key === "Enter" && hasOther) meant = ofFlag(target);
    else if (/^[1-9]$/.test(key) && !hasOther && !typing(target)) meant = layer.querySelectorAll("[data-choice]")[key - 1];
    if (meant) event.preventDefault();
    meant?.click();
  }

  // On a phone the rubric may be folded away: a key of what is in it unfolds it, and is seen to act.
  function unfold(key) {
    const handle = form().querySelector(".sheet-handle input");
    if (/^[1-9jkc]$/.test(key) || form().querySelector(`.pane-scroll [data-key="${CSS.escape(key)}"]`)) handle.checked = true;
  }

  // An optional answer is taken back by choosing it once more.
  const chosen = new Map();
  document.addEventListener("click", ({ target }) => {
    if (target.type !== "radio" || !target.hasAttribute("data-optional")) return;
    if (chosen.get(target.name) === target) {
      target.checked = false;
      chosen.delete(target.name);
      target.dispatchEvent(new Event("input", { bubbles: true }));
    } else {
      chosen.set(target.name, target);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.isComposing) return;
    const { key, target } = event;
    const layer = window.inFront();
    if (layer) return within(layer, event);
    if (!form()) {
      // The reveal: what handed in the label leads on from it, too.
      if (key === "Enter" && (event.ctrlKey || event.metaKey)) press("next-item");
      return;
    }
    const inCriterion = target.closest("[data-criterion]");
    if (!typing(target) && !event.ctrlKey && !event.metaKey) unfold(key);
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) (onward() || handIn())?.click();
    else if (key === "Enter" && event.shiftKey && !typing(target)) press("submit-show");
    else if (event.shiftKey && /^Digit[1-9]$/.test(event.code) && !typing(target)) choose(9 + Number(event.code.at(-1)));
    else if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    else if (key === "Enter" && (typing(target) ? inCriterion : !target.matches("a, button, summary"))) move(1);
    else if (typing(target)) return;
    else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
    else if (key === "c" && corrected()) correct();
    else if (/^[1-9]$/.test(key)) choose(Number(key));
    else return;
    event.preventDefault();
  }, true);

  document.addEventListener("focusin", ({ target }) => {
    const part = target.closest?.("form#rubric [data-criterion]");
    if (part) lead(part);
  });
  document.addEventListener("click", ({ target, isTrusted }) => {
    const head = target.closest("button.criterion-head");
    // By hand, fail leads to what went wrong; by key, Enter does.
    if (isTrusted && target.name === "verdict" && target.value === "fail" && parts()[1]) lead(parts()[1]);
    if (head) enter(head.closest("[data-criterion]"));
    if (target.closest("#hide-rail")) hideRail();
  });

  // Where there is no room for the rail it is a sheet, which the bar opens.
  function hideRail() {
    const opener = document.querySelector("[popovertarget=sitting]");
    if (opener.offsetParent) opener.click();
    else document.getElementById("review").classList.toggle("rail-closed");
  }

  // The corrected answer begins as the answer; left unchanged it counts as none.
  const corrected = () => document.querySelector("details.corrected");

  function correct() {
    const field = corrected().querySelector("textarea");
    corrected().open = true;
    field.value ||= document.getElementById("answer-as-given").value;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
    corrected().scrollIntoView({ block: "nearest" });
  }

  // By hand. Who pressed the key types already, maybe elsewhere: this comes later than the next key may.
  document.addEventListener("toggle", ({ target }) => {
    if (target.matches?.("details.corrected[open]") && !target.querySelector("textarea").value) correct();
  }, true);

  // The lease: its end is counted from what the server said was left, whatever this machine's clock says.
  let ends = 0;
  let active = false;
  for (const kind of ["keydown", "pointerdown", "wheel", "touchmove"]) {
    document.addEventListener(kind, () => (active = true), { passive: true });
  }

  const hold = (seconds) => (ends = performance.now() + seconds * 1000);

  function tick() {
    const clock = document.getElementById("lease");
    if (!clock || !form()) return;
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    clock.querySelector("b").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.classList.toggle("short", left <= 60);
    if (left === 60) document.getElementById("said").textContent = "This item is held for you for one more minute.";
    if (left === 0) lost();
    else if (active && left < Number(clock.dataset.whole) * 0.8) beat(clock.dataset.beat);
  }

  function lost() {
    ends = 0;
    document.getElementById("lost").hidden = false;
  }

  let beating = false;
  async function beat(address) {
    if (beating) return;
    beating = true;
    active = false;
    const held = form();
    try {
      const answer = await window.inPlace(address, new FormData(held));
      if (form() !== held) return;
      if (answer.ok) hold((await answer.json()).left);
      else if (answer.status === 409) lost();
    } catch {
      active = true;
    } finally {
      setTimeout(() => (beating = false), 5000);
    }
  }

  function begin() {
    chosen.clear();
    if (!form()) return;
    form().classList.add("keyed");
    const refused = document.querySelector(".criterion.refused");
    if (refused) enter(refused);
    else if (every().length) lead(every()[0]);
    const clock = document.getElementById("lease");
    if (clock) hold(Number(clock.dataset.left));
  }

  // htmx takes leave of each element that it replaces, twice, and looks for each one's like among the old. Here
  // seven hundred go at once, to which nothing is attached, and somebody waits.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id === "review" && detail.shouldSwap) detail.target.replaceChildren();
  });

  let toasted = 0;
  setInterval(tick, 1000);
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id === "diff-body") detail.target.parentElement.showPopover();
    if (detail.target.id === "toast") {
      // It would lie below them.
      for (const layer of document.querySelectorAll(":is(#flag-it, #sitting):popover-open")) layer.hidePopover();
      clearTimeout(toasted);
      toasted = setTimeout(() => detail.target.replaceChildren(), 10000);
    }
  });
  document.addEventListener("htmx:load", ({ detail }) => {
    if (detail.elt.id !== "review") return;
    came = performance.now();
    begin();
    if (!current()?.matches(".refused")) document.getElementById("item-title")?.focus();
  });
})();
