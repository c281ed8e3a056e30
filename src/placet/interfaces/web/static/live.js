// Parts of a page that follow what happens. `data-every`: the page is read again every so many seconds. `data-asks`: the
// form is asked what it would give while somebody fills it in, under the step that this names. Without this script both
// are the press of a button.
"use strict";
(() => {
  const swap = async (part, address, options) => {
    const answer = await fetch(address, options);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) return;
    part.replaceChildren(...fresh.childNodes);
    for (const name of ["data-every"]) if (!fresh.hasAttribute(name)) part.removeAttribute(name);
  };

  const follow = (part, wait) => setTimeout(async () => {
    if (!document.hidden) {
      try { await swap(part, location.href); } catch { /* The network is away for a moment: look again. */ }
    }
    if (part.dataset.every) follow(part, wait);
  }, wait);
  for (const part of document.querySelectorAll("[data-every]")) follow(part, Number(part.dataset.every) * 1000);

  for (const part of document.querySelectorAll("[data-asks]")) {
    const form = document.getElementById(part.dataset.of);
    let timer, asked = 0;
    const ask = async () => {
      const mine = ++asked, fields = new URLSearchParams(new FormData(form));
      fields.set("step", part.dataset.asks);
      part.setAttribute("aria-busy", "true");
      try {
        const clone = part.cloneNode(true);
        await swap(clone, form.action, { method: "POST", body: fields });
        // Whoever wrote on has asked again meanwhile: the newer answer counts.
        if (mine === asked) part.replaceChildren(...clone.childNodes);
      } catch { /* The button asks, too. */ }
      part.removeAttribute("aria-busy");
    };
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 400); });
  }
})();
