// Keeps a stop clock going until every place has confirmed. Without this script the page is loaded again by itself.
"use strict";

const clock = document.querySelector("[data-clock]:not([data-stopped])");
const look = 400; // milliseconds between two looks; slower each time, at most 5 s

function show(state) {
  clock.querySelectorAll("[data-place]").forEach((place, index) => {
    const moment = state.places[index];
    if (moment && !place.querySelector("time")) {
      const time = document.createElement("time");
      time.textContent = moment;
      place.replaceChildren(time);
      place.parentElement.querySelector(".sign").textContent = "✓";
    }
  });
  if (state.stopped) {
    clock.querySelector("[data-time]").textContent = state.stopped;
    clock.querySelector("[data-stopping]").hidden = true;
    clock.querySelector("[data-done]").hidden = false;
    clock.querySelector("[data-again]").hidden = true;
  }
}

async function follow(wait) {
  try {
    const answer = await fetch(`/clock/${clock.dataset.clock}/state`, { headers: { accept: "application/json" } });
    if (answer.ok) {
      const state = await answer.json();
      show(state);
      if (state.stopped) return;
    }
  } catch {
    // The network is away for a moment: look again.
  }
  setTimeout(follow, wait, Math.min(wait * 1.3, 5000));
}

if (clock) follow(look);
