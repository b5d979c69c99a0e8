// Links sentence, card and line by letter; pins, picture viewer, light and dark. The page and the exported file share it.
// Gradio replaces the trace's HTML as it grows, so every listener sits on the document and state is put back after.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const letters = (element) => (element?.closest("[data-ev]")?.dataset.ev ?? "").split(" ").filter(Boolean);
  const state = { pinned: [], hovered: [], open: new Map(), focused: null, turned: null, trace: null, moved: new Set() };

  function draw() {
    const hot = new Set(state.pinned.length ? state.pinned : state.hovered);
    for (const root of all(".mm.trace")) {
      root.classList.toggle("dim", hot.size > 0);
      for (const link of all(".link", root)) link.classList.toggle("hot", letters(link).some((one) => hot.has(one)));
      for (const chip of all("[data-pin]", root)) chip.setAttribute("aria-pressed", String(state.pinned.includes(chip.dataset.pin)));
    }
  }

  function pin(names) {
    const same = names.length === state.pinned.length && names.every((one) => state.pinned.includes(one));
    state.pinned = same ? [] : names;
    state.hovered = [];
    draw();
  }

  function reveal(chip) {
    if (chip.closest(".doc")) return;
    const card = document.querySelector(`[data-card="${chip.dataset.pin}"]`);
    if (card && state.pinned.length) card.scrollIntoView({ block: "nearest" });
  }

  function enlarge(thumb) {
    const dialog = document.querySelector("dialog.viewer");
    const image = dialog.querySelector("img");
    image.src = thumb.dataset.large;
    image.alt = thumb.dataset.caption;
    dialog.querySelector("figcaption").textContent = thumb.dataset.caption;
    dialog.showModal();
  }

  async function copy(button) {
    const said = button.querySelector("span");
    const address = new URL(location.href);
    address.searchParams.set("trace", button.closest(".trace").dataset.trace);
    try {
      await navigator.clipboard.writeText(address.href);
      said.textContent = "Link copied";
    } catch {
      window.prompt("This page may not use the clipboard. The link:", address.href);
    }
    setTimeout(() => { said.textContent = "Copy link"; }, 2000);
  }

  function theme(dark) {
    document.body.classList.toggle("dark", dark);
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    try { localStorage.setItem("mmrag-dark", dark ? "1" : "0"); } catch { /* a file opened offline may have no storage */ }
  }

  function busy(on) {
    document.body.classList.toggle("mm-busy", on);
    if (on) return;
    const moved = [...state.moved];
    state.moved.clear();
    for (const slider of moved) slider.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function restore(root) {
    for (const [key, open] of state.open) {
      const details = root.querySelector(`details[data-key="${key}"]`);
      if (details && details.open !== open) details.open = open;
    }
    if (state.focused && document.activeElement === document.body) {
      root.querySelectorAll(`[data-pin="${state.focused.pin}"]`)[state.focused.index]?.focus({ preventScroll: true });
    }
    if (state.turned && document.activeElement === document.body) {  // its card is now another one, elsewhere
      root.querySelector(`[data-card="${state.turned}"] :is(summary, .turn)`)?.focus({ preventScroll: true });
      state.turned = null;
    }
    draw();
  }

  function forget(id) {
    Object.assign(state, { pinned: [], hovered: [], focused: null, turned: null, trace: id });
    state.open.clear();
  }

  function settle() {
    const root = document.querySelector(".mm.trace");
    if (!root) return;
    const { trace = "", busy: running, status, adapter } = root.dataset;
    if (state.trace !== trace) forget(trace);
    if (!root.closest("[data-aside]")) busy(running === "1");
    const model = document.querySelector(".top [data-adapter]");
    if (model && adapter) model.textContent = `adapter ${adapter}`;
    const announce = document.querySelector(".announce");
    if (announce && announce.textContent !== status) announce.textContent = status;
    if (trace && running === "0" && location.protocol !== "file:" && announce) {
      const address = new URL(location.href);
      if (address.searchParams.get("trace") !== trace) {
        address.searchParams.set("trace", trace);
        history.replaceState(history.state, "", address);
      }
    }
    restore(root);
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;  // a finger hovers over nothing, and would never leave
    state.hovered = letters(event.target);
    draw();
  });
  document.addEventListener("focusin", (event) => {
    const chip = event.target.closest("[data-pin]");
    state.hovered = event.target.matches(":focus-visible") ? letters(chip ?? event.target) : state.hovered;
    if (chip) state.hovered = [chip.dataset.pin];
    const siblings = chip ? all(`[data-pin="${chip.dataset.pin}"]`, chip.closest(".trace")) : [];
    state.focused = chip ? { pin: chip.dataset.pin, index: siblings.indexOf(chip) } : null;
    draw();
  });
  document.addEventListener("toggle", (event) => {
    const key = event.target.dataset?.key;
    if (key) state.open.set(key, event.target.open);
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    Object.assign(state, { pinned: [], hovered: [], focused: null });
    draw();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.closest("#question")) return;
    if (!document.body.classList.contains("mm-busy")) return busy(true);
    event.preventDefault();  // a second Enter would ask a second time
    event.stopImmediatePropagation();
  }, true);
  // Gradio would refuse a number out of range while it is typed, and say so in its own words: it learns of it mended.
  const amiss = (event) => event.target.matches?.("#settings input[type=number]")
    && (event.target.value === "" || !event.target.validity.valid);
  document.addEventListener("input", (event) => {
    if (amiss(event)) return event.stopImmediatePropagation();
    const busy = document.body.classList.contains("mm-busy");  // a trace that grows is judged anew at its end
    if (busy && event.target.matches("#settings :is([type=number], [type=range])")) state.moved.add(event.target);
  }, true);
  document.addEventListener("change", (event) => {
    if (!amiss(event)) return;
    const box = event.target;
    const range = box.closest(".block").querySelector("input[type=range]");
    if (box.value !== "") range.value = box.value;  // a range takes the nearest value that it may have
    box.value = range.value;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }, true);
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    if (at("[data-theme-toggle]")) return theme(!document.body.classList.contains("dark"));
    if (at("[data-copy]")) return void copy(at("[data-copy]"));
    if (at("[data-large]")) return enlarge(at("[data-large]"));
    if (at("[data-close]") || event.target.matches("dialog.viewer")) return document.querySelector("dialog.viewer").close();
    if (at("[data-pin]")) { pin([at("[data-pin]").dataset.pin]); return reveal(at("[data-pin]")); }
    if (at("#ask-go")) return busy(true);
    if (at(".turn")) { [state.turned] = letters(at(".turn")); return; }
    if (at(".link") && !at("summary, a, details details") && !getSelection().toString()) pin(letters(event.target));
  });

  function begin() {
    let dark = null;
    try { dark = localStorage.getItem("mmrag-dark"); } catch { /* see theme() */ }
    if (dark !== null) theme(dark === "1");
    new MutationObserver((changes) => {
      const ours = (node) => node.nodeType === 1 && (node.matches(".mm.trace") || node.querySelector(".mm.trace"));
      if (changes.some((change) => [...change.addedNodes].some(ours) || change.target.closest?.("[data-frame]"))) settle();
    }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-frame"] });
    settle();
  }
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", begin) : begin();
})();
