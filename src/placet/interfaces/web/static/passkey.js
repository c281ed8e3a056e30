// Carries a question to an authenticator and its answer back. Every page works without this script:
// its forms stay hidden then, and the one-time code is there.
(() => {
  "use strict";
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const described = (list) => (list || []).map((key) => ({ ...key, id: bytes(key.id) }));

  const create = async (asked) => {
    const key = await navigator.credentials.create({
      publicKey: {
        ...asked,
        challenge: bytes(asked.challenge),
        user: { ...asked.user, id: bytes(asked.user.id) },
        excludeCredentials: described(asked.excludeCredentials),
      },
    });
    return answer(key, {
      attestationObject: text(key.response.attestationObject),
      transports: key.response.getTransports ? key.response.getTransports() : [],
    });
  };

  const get = async (asked) => {
    const key = await navigator.credentials.get({
      publicKey: { ...asked, challenge: bytes(asked.challenge), allowCredentials: described(asked.allowCredentials) },
    });
    return answer(key, {
      authenticatorData: text(key.response.authenticatorData),
      signature: text(key.response.signature),
      userHandle: key.response.userHandle ? text(key.response.userHandle) : null,
    });
  };

  const answer = (key, response) =>
    JSON.stringify({
      id: key.id,
      rawId: text(key.rawId),
      type: key.type,
      clientExtensionResults: {},
      response: { clientDataJSON: text(key.response.clientDataJSON), ...response },
    });

  const carry = async (form) => {
    const reply = await fetch(form.dataset.question, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!reply.ok) throw new Error(String(reply.status));
    const asked = await reply.json();
    form.elements.answer.value = await (asked.user ? create(asked) : get(asked));
    form.submit();
  };

  for (const form of document.querySelectorAll("form[data-question]")) {
    const trouble = form.querySelector(".trouble");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      trouble.hidden = true;
      carry(form).catch(() => {
        trouble.hidden = false;
      });
    });
  }
})();
