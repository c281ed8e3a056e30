// The desk's keys and the time left of an opening. Every page works without this file.
"use strict";
(() => {
  const OFF = "placet-desk-keys-off";
  const stored = () => { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } };
  const store = (off) => { try { localStorage.setItem(OFF, off ? "1" : "0"); } catch { /* kept for this page only */ } };
  const writing = (element) => element.matches("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");

  // `/` focuses the search; `g` and `w` focus an action and never press it.
  const goTo = (key) => {
    const every = [...document.querySelectorAll(`[data-key="${key}"]`)];
    if (key === "/" && every.length === 0) { location.assign("/desk"); return true; }
    const here = document.activeElement.closest(".purpose");
    const mine = here && here.querySelector(`[data-key="${key}"]`);
    const at = every.indexOf(document.activeElement);
    const target = at >= 0 ? every[(at + 1) % every.length] : mine || every[0];
    if (target) target.focus();
    return Boolean(target);
  };
  document.addEventListener("keydown", (event) => {
    if (stored() || event.ctrlKey || event.altKey || event.metaKey || writing(event.target)) return;
    if (["/", "g", "w"].includes(event.key) && goTo(event.key)) event.preventDefault();
  });

  const toggle = document.querySelector("[data-keys-switch]");
  if (toggle) {
    const say = () => { toggle.textContent = stored() ? toggle.dataset.off : toggle.dataset.on; };
    toggle.hidden = false;
    toggle.addEventListener("click", () => { store(!stored()); say(); });
    say();
  }

  // The clock is the server's: only the difference to the moment of loading is counted here.
  for (const until of document.querySelectorAll("[data-until]")) {
    const left = until.parentElement.querySelector("[data-left]");
    const end = Date.parse(until.dataset.until);
    const tick = () => {
      const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      left.textContent = seconds === 0 ? left.dataset.ended : left.dataset.left.replace("#", time);
      left.classList.toggle("late", seconds < 120);
      if (seconds > 0) setTimeout(tick, 1000);
    };
    tick();
  }
})();
