// The visitor's key and his tab's name, on every request that this page makes to its own server.
(() => {
  "use strict";
  const KEPT = "medley.key"; // for this tab of the browser, until it is closed
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const tab = Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  const ours = new URL(".", document.baseURI); // .../page/
  const plain = window.fetch.bind(window);
  const key = () => sessionStorage.getItem(KEPT);

  window.fetch = async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : String(input), document.baseURI);
    if (url.host !== ours.host) return plain(input, init);
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
    headers.set("x-medley-tab", tab);
    if (key()) headers.set("authorization", `Bearer ${key()}`);
    const answer = await plain(input, { ...init, headers });
    if (answer.status === 401 || answer.status === 403) ask(await words(answer.clone()));
    return answer;
  };

  async function words(answer) {
    try {
      return (await answer.json()).error.message;
    } catch {
      return `The server answered ${answer.status}.`;
    }
  }

  function ask(said) {
    const form = document.getElementById("md-key");
    if (!form) return;
    form.hidden = false;
    document.getElementById("md-key-forget").hidden = !key();
    document.getElementById("md-key-said").textContent = said;
  }

  const medley = (window.medley = { words });

  medley.enter = (element) => {
    const form = element.querySelector("#md-key");
    form.hidden = !key();
    element.querySelector("#md-key-forget").hidden = !key();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = element.querySelector("#md-key-field").value.trim();
      if (given) sessionStorage.setItem(KEPT, given);
      location.reload();
    });
    element.querySelector("#md-key-forget").addEventListener("click", () => {
      sessionStorage.removeItem(KEPT);
      location.reload();
    });
  };

  medley.open = async (ready) => {
    const answer = await fetch(new URL("../v1/models", ours));
    if (answer.ok) ready();
  };

  window.addEventListener("pagehide", () => {
    fetch(new URL("document", ours), { method: "DELETE", keepalive: true }).catch(() => {});
  });
})();
