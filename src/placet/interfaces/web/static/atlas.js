/* Turns the hours of a map without loading a page for each; every hour is a page of its own without this. */
(() => {
  const plate = document.querySelector("[data-frames]");
  if (!plate) return;
  const dial = plate.querySelector("#turn"), play = plate.querySelector("[data-play]"), readout = plate.querySelector("[data-readout]");
  const lands = [...plate.querySelectorAll(".map a[data-zone]")], table = plate.querySelector("#zones tbody");
  const rows = new Map([...table.rows].map((row) => [row.dataset.zone, row]));
  const names = new Map([...rows].map(([zone, row]) => [zone, row.cells[0].textContent]));
  const columns = [...plate.querySelectorAll(".hours a")], label = play.textContent;
  const days = plate.querySelector("[data-moment]").textContent.replace(/\d\d:00$/, "");
  let frames, hour = Number(plate.dataset.hour), timer, shown;

  const fetched = () => (frames ??= fetch(plate.dataset.frames).then((answer) => (answer.ok ? answer.json() : Promise.reject())));

  const say = (zone) => {
    const row = rows.get(zone);
    readout.hidden = !row;
    if (row) readout.textContent = `${names.get(zone)}: ${row.cells[1].textContent}${row.cells[2].textContent ? ` (${row.cells[2].textContent})` : ""}`;
    shown = zone;
  };

  const said = (zone, frame, index) =>
    `${names.get(zone)}: ${frame.values[index]}${frame.betweens[index] ? ` (${frame.betweens[index]})` : ""}`;

  const show = async (next) => {
    const { zones, hours } = await fetched();
    const frame = hours[next], at = new Map(zones.map((zone, index) => [zone, index]));
    hour = next;
    for (const land of lands) {
      const index = at.get(land.dataset.zone), tone = frame.tones[index], path = land.querySelector("path");
      path.setAttribute("class", tone === null ? "untold" : `t${tone}`);
      if (tone === null) path.setAttribute("fill", `url(#${land.ownerSVGElement.querySelector("pattern").id})`);
      land.querySelector("title").textContent = said(land.dataset.zone, frame, index);
      const address = plate.dataset.base + String(hour).padStart(2, "0");
      land.setAttribute("href", `${address}/${land.dataset.zone}`);
    }
    for (const zone of frame.order) {
      const row = rows.get(zone), index = at.get(zone);
      row.cells[1].textContent = frame.values[index];
      row.cells[2].textContent = frame.betweens[index];
      row.cells[3].textContent = frame.beside[index];
      row.querySelector("a").href = `${plate.dataset.base}${String(hour).padStart(2, "0")}/${zone}`;
      table.append(row);
    }
    columns.forEach((column, index) => (index === hour ? column.setAttribute("aria-current", "true") : column.removeAttribute("aria-current")));
    const clock = `${String(hour).padStart(2, "0")}:00`;
    for (const each of plate.querySelectorAll("[data-moment]")) each.textContent = days + clock;
    const chosen = plate.dataset.zonePath.slice(1);
    plate.querySelector("[data-first]").textContent = chosen ? said(chosen, frame, at.get(chosen)) : frame.first;
    dial.value = hour;
    dial.setAttribute("aria-valuetext", clock);
    plate.querySelector("#hour").value = clock.slice(0, 2);
    const here = plate.dataset.base + clock.slice(0, 2) + plate.dataset.zonePath;
    history.replaceState(null, "", here);
    const share = plate.querySelector("[data-share]");
    share.href = here;
    share.textContent = location.origin + here;
    for (const other of plate.querySelectorAll(".days a")) other.href = other.getAttribute("href").replace(/-\d\d/, `-${clock.slice(0, 2)}`);
    if (shown) say(shown);
  };

  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    play.textContent = label;
  };

  play.hidden = false;
  for (const each of plate.querySelectorAll("[data-turn]")) each.hidden = false;
  dial.setAttribute("aria-valuetext", `${String(hour).padStart(2, "0")}:00`);
  play.addEventListener("click", () => {
    if (timer) return stop();
    play.textContent = play.dataset.pause;
    timer = setInterval(() => show((hour + 1) % 24).catch(stop), 700);
  });
  dial.addEventListener("input", () => {
    stop();
    show(Number(dial.value)).catch(() => location.assign(columns[dial.value].getAttribute("href")));
  });
  columns.forEach((column, index) =>
    column.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      stop();
      show(index).catch(() => location.assign(column.getAttribute("href")));
    }),
  );
  for (const land of lands) {
    for (const kind of ["pointerenter", "focus"]) land.addEventListener(kind, () => say(land.dataset.zone));
    for (const kind of ["pointerleave", "blur"]) land.addEventListener(kind, () => say());
  }
})();
