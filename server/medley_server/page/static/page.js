// Drops documents, joins boxes and cells, gathers edits, saves. What is shown is made by the server.
(() => {
  "use strict";
  const medley = window.medley;
  const all = (selector) => document.querySelectorAll(selector);
  // A box stands for two values where two versions read the same place.
  const valueAt = (target) => target.closest?.("[data-value]")?.dataset.value.split(" ")[0];
  let turn = () => {};
  let lit = null;

  function say(kind, text) {
    const line = document.createElement("p");
    line.className = `md-notice md-${kind}`;
    line.textContent = text;
    document.getElementById("md-sent").replaceChildren(...(text ? [line] : []));
  }

  // ---- dropping

  medley.drop = (element) => {
    const zone = element.querySelector(".md-drop");
    const field = element.querySelector("#md-file");
    field.addEventListener("change", () => field.files[0] && send(field.files[0]));
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("is-over");
      if (event.dataTransfer.files[0]) send(event.dataTransfer.files[0]);
    });
  };

  async function send(file) {
    const name = document.getElementById("md-file-name");
    name.textContent = `Sending ${file.name} …`;
    say("ok", "");
    const form = new FormData();
    form.append("file", file, "document"); // a file's name often is a person's
    try {
      const answer = await fetch("document", { method: "POST", body: form });
      if (!answer.ok) throw new Error(await medley.words(answer));
      name.textContent = `${file.name}, ${size(file.size)}`;
      say("ok", "Sent. Read it next.");
    } catch (error) {
      name.textContent = "";
      say("bad", `Error: ${error.message}`);
    }
    document.getElementById("md-file").value = "";
  }

  const size = (bytes) =>
    bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

  // ---- one value, in the table and on the page

  function light(id) {
    all(".is-lit").forEach((one) => one.classList.remove("is-lit"));
    lit = id;
    if (!id) return;
    all(`[data-value~="${id}"]`).forEach((one) => one.classList.add("is-lit"));
    const about = document.getElementById(`about-${id}`);
    if (about) document.getElementById("md-detail").innerHTML = about.innerHTML;
  }

  function show(selector) {
    document.querySelector(selector)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  document.addEventListener("mouseover", (event) => {
    const id = valueAt(event.target);
    if (id && !(lit && event.target.closest(`[data-value~="${lit}"]`))) light(id);
  });
  document.addEventListener("focusin", (event) => {
    const id = valueAt(event.target);
    if (!id) return;
    light(id);
    const page = event.target.closest("[data-page]")?.dataset.page;
    const shown = document.querySelector(".md-page")?.dataset.page;
    if (event.target.closest("td") && page && page !== shown) turn(Number(page));
    else if (event.target.closest("svg")) show(`td[data-value="${id}"]`);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".md-box")) toCell(valueAt(event.target));
  });

  const toCell = (id) => document.querySelector(`td[data-value="${id}"] :is(input, button)`)?.focus();

  document.addEventListener("keydown", (event) => {
    const box = event.target.closest?.(".md-box");
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (box && step) {
      const boxes = [...box.ownerSVGElement.querySelectorAll(".md-box")];
      const next = boxes[(boxes.indexOf(box) + step + boxes.length) % boxes.length];
      box.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
      event.preventDefault();
    } else if (box && (event.key === "Enter" || event.key === " ")) {
      toCell(valueAt(box));
      event.preventDefault();
    } else if (event.key === "Escape" && event.target.matches?.("input[data-path]")) {
      event.target.value = event.target.defaultValue;
      edited(event.target);
    }
  });

  // ---- pages

  medley.page = (element, trigger, watch) => {
    turn = (page) => trigger({ page });
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-turn]");
      if (button) turn(Number(button.dataset.turn));
    });
    element.addEventListener("change", (event) => {
      if (event.target.matches("select[data-turn]")) turn(Number(event.target.value));
    });
    watch("value", () => light(lit));
  };

  // ---- edits

  function edited(field) {
    field.closest("td").classList.toggle("is-edited", field.value !== field.defaultValue);
    const count = Object.keys(edits()).length;
    const said = document.getElementById("md-edits");
    if (said) said.textContent = count ? `${count} edited` : "";
  }

  const edits = () =>
    Object.fromEntries(
      [...all("input[data-path]")]
        .filter((field) => field.value !== field.defaultValue)
        .map((field) => [field.dataset.path, field.value]),
    );

  document.addEventListener("input", (event) => {
    if (event.target.matches?.("input[data-path]")) edited(event.target);
  });

  medley.actions = (element, trigger) => {
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-keep]");
      if (button) trigger({ what: button.dataset.keep, edits: edits() });
    });
  };

  medley.save = (file) => {
    if (!file) return;
    const url = URL.createObjectURL(new Blob([file.text], { type: "application/json" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: file.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };

  // ---- light always: what Gradio makes dark, our own colours do not follow

  new MutationObserver(() => document.body.classList.remove("dark")).observe(document.documentElement, {
    attributes: true,
    subtree: true,
    attributeFilter: ["class"],
  });
})();
