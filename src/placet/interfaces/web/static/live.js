// Parts of a page that follow what happens. `data-every`: they are read again every so many seconds. `data-asks`: the form
// is asked what it would give while somebody fills it in, under the step that this names. Without this script both are the
// press of a button.
"use strict";
(() => {
  const read = async (id, address, options) => {
    const answer = await fetch(address, options);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return answer.ok ? page.getElementById(id) : null;
  };

  const follow = (part) => setTimeout(async () => {
    const here = new URL(location.href);
    here.searchParams.set("live", "1");
    try {
      const fresh = document.hidden ? null : await read(part.id, here);
      if (fresh) part.replaceChildren(...fresh.childNodes);
      if (fresh && !fresh.dataset.every) return;
    } catch { /* The network is away for a moment: look again. */ }
    follow(part);
  }, Number(part.dataset.every) * 1000);
  document.querySelectorAll("[data-every]").forEach(follow);

  for (const part of document.querySelectorAll("[data-asks]")) {
    const form = document.getElementById(part.dataset.of);
    let timer, asked = 0;
    const ask = async () => {
      const mine = ++asked, fields = new URLSearchParams(new FormData(form));
      fields.set("step", part.dataset.asks);
      try {
        const fresh = await read(part.id, form.action, { method: "POST", body: fields });
        // Whoever wrote on has asked again meanwhile: the newer answer counts.
        if (fresh && mine === asked) part.replaceChildren(...fresh.childNodes);
      } catch { /* The button asks, too. */ }
    };
    if (form) form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 400); });
  }
})();
