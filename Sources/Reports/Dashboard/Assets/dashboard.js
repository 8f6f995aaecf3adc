// Keys, search, hover, zoom and live refresh. Every page works without this script.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Loading: the server draws every view; the script only puts it in place.
  let loading;
  async function load(address, { push = true, parts = ["main"], keep = false } = {}) {
    loading?.abort();
    const mine = (loading = new AbortController());
    let page;
    try {
      const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname !== new URL(address, location).pathname) return (location.href = answer.url);
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch (error) {
      if (error.name !== "AbortError" && !keep) location.href = address;
      return error.name === "AbortError" ? undefined : false;
    }
    if (mine.signal.aborted) return;
    const focus = document.activeElement?.closest("#waterfall") ? "waterfall" : null;
    for (const part of parts) {
      const fresh = one(part, page), old = one(part);
      if (!fresh || !old) return (location.href = address);
      old.replaceWith(document.adoptNode(fresh));
    }
    if (push) history.pushState(null, "", address);
    document.title = page.title;
    prepare();
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    return true;
  }
  addEventListener("popstate", () => load(location.href, { push: false }));

  // Waterfall: selection
  const rows = () => all(".wf-row").filter((row) => row.offsetParent !== null);
  function at() {
    return one(".wf-row.at") || one(".wf-row.selected");
  }
  function step(by) {
    const list = rows();
    let index = list.indexOf(at());
    do index += by; while (list[index] && !one("a", list[index]));
    const row = list[index];
    if (!row) return;
    at()?.classList.remove("at");
    all(".wf-row.at").forEach((other) => other.classList.remove("at"));
    row.classList.add("at");
    row.scrollIntoView({ block: "nearest" });
    one("a", row).focus({ preventScroll: true });
  }
  function select(link) {
    all(".wf-row.selected, .wf-row.at").forEach((row) => row.classList.remove("selected", "at"));
    link.closest(".wf-row").classList.add("selected");
    load(link.href, { parts: ["#detail"] });
  }
  function fold(open, every) {
    const row = at(), below = row?.nextElementSibling;
    const groups = every ? all(".wf-rows details") : [below?.matches("details") ? below : row?.closest("details")].filter(Boolean);
    groups.forEach((group) => (group.open = open));
  }
  addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a");
    if (link?.closest(".wf-row")) {
      event.preventDefault();
      return select(link);
    }
    if (link?.closest(".zoom")) {
      event.preventDefault();
      return load(link.href);
    }
    // A click on the bar of a row shows its span.
    const inside = event.target.closest(".wf-bar, .wf-time") && one("a", event.target.closest(".wf-row"));
    if (inside) select(inside);
    if (event.target.closest("#keys-hint")) showKeys();
  });

  // Waterfall: zoom. The window is in the address, and the server draws it.
  const time = (text) => Date.parse(text);
  let zooming;
  function zoomTo(from, to) {
    const strip = one("#strip");
    if (!strip) return;
    const [first, last] = [time(strip.dataset.from), time(strip.dataset.to)];
    const length = Math.min(Math.max(to - from, 1000), last - first);
    from = Math.max(first, Math.min(from, last - length));
    const address = new URL(location.href);
    const whole = length >= last - first - 1;
    for (const [name, value] of [["from", from], ["to", from + length]]) {
      if (whole) address.searchParams.delete(name);
      else address.searchParams.set(name, new Date(value).toISOString());
    }
    clearTimeout(zooming);
    zooming = setTimeout(() => load(address.href), 60);
  }
  function moved(scale, shift) {
    const view = one("#waterfall");
    if (!view) return;
    const [from, to] = [time(view.dataset.from), time(view.dataset.to)];
    const [middle, half] = [(from + to) / 2 + (to - from) * shift, ((to - from) / 2) * scale];
    zoomTo(middle - half, middle + half);
  }

  function prepare() {
    prepareHair();
    prepareStrip();
    prepareLive();
  }

  // A line under the pointer
  function prepareHair() {
    const body = one(".wf-body"), back = one(".wf-back");
    if (!body || !back) return;
    const hair = document.createElement("div");
    hair.id = "hair";
    hair.hidden = true;
    body.append(hair);
    body.addEventListener("pointermove", (event) => {
      const box = back.getBoundingClientRect();
      const inside = event.pointerType === "mouse" && event.clientX >= box.left && event.clientX <= box.right;
      hair.hidden = !inside;
      if (inside) hair.style.left = event.clientX - body.getBoundingClientRect().left + "px";
    });
    body.addEventListener("pointerleave", () => (hair.hidden = true));
  }

  // Drag over the strip to zoom
  function prepareStrip() {
    const strip = one("#strip");
    if (!strip) return;
    let start = null, brush = null;
    const share = (event) => {
      const box = strip.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    strip.addEventListener("pointerdown", (event) => {
      start = share(event);
      strip.setPointerCapture(event.pointerId);
      brush = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      brush.id = "brush";
      brush.setAttribute("y", 14);
      brush.setAttribute("height", 22);
      strip.append(brush);
    });
    strip.addEventListener("pointermove", (event) => {
      if (start === null) return;
      const now = share(event);
      brush.setAttribute("x", Math.min(start, now) * 100 + "%");
      brush.setAttribute("width", Math.abs(now - start) * 100 + "%");
    });
    strip.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const [from, to] = [time(strip.dataset.from), time(strip.dataset.to)];
      const [low, high] = [start, share(event)].sort((a, b) => a - b);
      start = null;
      brush.remove();
      if (high - low > 0.004) zoomTo(from + low * (to - from), from + high * (to - from));
      else moved(1, 0);
    });
    strip.addEventListener("pointercancel", () => {
      start = null;
      brush?.remove();
    });
  }

  // Live refresh: reads the page again while it is looked at and nobody works in it.
  let clock, fetched = Date.now();
  function prepareLive() {
    clearInterval(clock);
    fetched = Date.now();
    const seconds = Number(one("main")?.dataset.live);
    const label = one("#live");
    if (label) label.textContent = "";
    if (!seconds) return;
    let failed = false;
    const show = () => {
      const age = Math.round((Date.now() - fetched) / 1000);
      if (label) label.textContent = failed ? `no answer for ${age} s` : age < 5 ? "● live" : `● live, ${age} s ago`;
    };
    show();
    clock = setInterval(async () => {
      show();
      const age = (Date.now() - fetched) / 1000;
      const busy = document.hidden || one("dialog[open], main details.data[open], main form") || one("main").contains(document.activeElement) && document.activeElement !== one("main");
      if (age < seconds || busy || getSelection()?.type === "Range" || age % seconds > 1.2) return;
      failed = (await load(location.href, { push: false, keep: true })) === false;
    }, 1000);
  }

  // Keys
  const general = [
    [["/"], "search"], [["?"], "this list"], [["g", "d"], "deploys"], [["g", "c"], "changes"], [["g", "t"], "lead time"],
    [["g", "f"], "flow"], [["g", "a"], "ageing"], [["g", "o"], "forecast (outlook)"], [["g", "r"], "reviews"], [["g", "p"], "pipelines"],
    [["g", "i"], "incidents"], [["g", "l"], "deliveries"], [["g", "n"], "connect"], [["g", "s"], "system"],
  ];
  const waterfall = [
    [["f", "b"], "next, previous span"], [["Enter"], "show the span"], [["s", "w"], "scroll down, up"], [["a", "d"], "pan left, right"],
    [["↑", "↓"], "zoom in, out (in the waterfall)"], [["o", "p"], "expand, collapse one"], [["[", "]"], "expand, collapse all"],
    [["0"], "fit"],
  ];
  const off = () => localStorage.getItem("keys") === "off";
  function showKeys() {
    one("dialog")?.remove();
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", "keys-title");
    const title = document.createElement("h2");
    title.id = "keys-title";
    title.textContent = "Keys";
    const list = document.createElement("dl");
    for (const [keys, text] of one("#waterfall") ? [...general, ...waterfall] : general) {
      const term = document.createElement("dt");
      for (const key of keys) term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
      list.append(term, Object.assign(document.createElement("dd"), { textContent: text }));
    }
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !off() });
    box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off"));
    label.append(box, " Single keys work");
    const close = Object.assign(document.createElement("button"), { textContent: "Close" });
    close.addEventListener("click", () => dialog.close());
    const foot = document.createElement("p");
    foot.append(close);
    dialog.append(title, list, label, foot);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    close.focus();
  }
  let prefix = "";
  const pages = {
    d: "deploys", c: "changes", t: "lead-time", f: "flow", a: "ageing", o: "forecast", r: "reviews", p: "pipelines", i: "incidents", l: "deliveries",
    n: "connect", s: "system",
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog")) {
      if (event.key === "Escape" && event.target.id === "q") event.target.blur();
      return;
    }
    if (event.key === "?") return event.preventDefault(), showKeys();
    if (off()) return;
    const key = event.key;
    const had = prefix;
    prefix = "";
    if (had === "g") {
      const link = pages[key] && all(".top nav a").find((a) => a.pathname.endsWith("/" + pages[key]));
      if (link) location.href = link.href;
      return;
    }
    const inside = event.target.closest("#waterfall");
    const fast = event.shiftKey ? 4 : 1;
    const actions = {
      "/": () => (one("#q").focus(), one("#q").select()),
      g: () => ((prefix = "g"), setTimeout(() => (prefix = ""), 1000)),
    };
    if (one("#waterfall")) {
      Object.assign(actions, {
        f: () => step(1), b: () => step(-1), s: () => scrollBy(0, innerHeight * 0.8), w: () => scrollBy(0, -innerHeight * 0.8),
        a: () => moved(1, -0.15 * fast), d: () => moved(1, 0.15 * fast), o: () => fold(true), p: () => fold(false),
        "[": () => fold(true, true), "]": () => fold(false, true), 0: () => zoomTo(-Infinity, Infinity), "=": () => moved(0.5, 0), "-": () => moved(2, 0),
      });
      if (inside) {
        Object.assign(actions, {
          ArrowUp: () => moved(0.7 / fast, 0), ArrowDown: () => moved(1.4 * fast, 0), ArrowLeft: () => moved(1, -0.15 * fast),
          ArrowRight: () => moved(1, 0.15 * fast),
        });
      }
    }
    const action = actions[key] || actions[key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });

  prepare();
})();
