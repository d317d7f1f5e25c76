// The page: a list of posts that the server streams, drawn as a channel and one open thread.
// The server is the only truth. What is pressed or typed goes there and comes back as posts.
import { blocksOf, element } from "./blocks.js";

const at = (id) => document.getElementById(id);
const SUGGESTIONS = ["@pullbot why", "@pullbot status", "@pullbot help"];
const WIDE = matchMedia("(min-width: 1000px)");
const LOGS = [at("channel-log"), at("thread-log")];

const state = {
  posts: new Map(), // by ref, oldest first
  people: [],
  channel: "alerts",
  person: sessionStorage.getItem("person") || "",
  thread: location.hash.slice(1),
  closedByHand: false,
  follow: false, // this person pressed a button and wants to see what comes of it
  drawn: false,
  bot: "pullbot",
};
let source = null;

// ---- what comes from the server

function connect() {
  source?.close();
  source = new EventSource(`/events?person=${encodeURIComponent(state.person)}`);
  source.addEventListener("open", () => said("live", "Live"));
  source.addEventListener("error", () => said("lost", "Connection lost, trying again…"));
  source.addEventListener("snapshot", (event) => {
    const found = JSON.parse(event.data);
    state.people = found.people;
    state.bot = found.bot;
    state.person = found.you;
    state.posts = new Map(found.posts.map((post) => [post.ref, post]));
    const places = LOGS.map((log) => [log, log.scrollTop]);
    for (const log of LOGS) log.replaceChildren();
    drawPeople();
    drawChannels(found.channels);
    drawAll();
    if (state.drawn) for (const [log, top] of places) log.scrollTop = top;
    state.drawn = true;
  });
  source.addEventListener("post", (event) => {
    const post = JSON.parse(event.data);
    const known = state.posts.has(post.ref);
    state.posts.set(post.ref, post);
    openByItself(post, known);
    draw(post, { changed: known, fresh: !known });
  });
}

function said(kind, text) {
  at("link").className = `link ${kind}`;
  at("link").textContent = text;
}

async function send(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ person: state.person, ...body }),
    });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    at("trouble").hidden = true;
    return await answer.json();
  } catch (error) {
    const why = error instanceof TypeError ? "the demo does not answer; is it still running?" : error.message;
    at("trouble").textContent = `That did not arrive: ${why}`;
    at("trouble").hidden = false;
    return null;
  }
}

// ---- drawing

const repliesTo = (ref) => [...state.posts.values()].filter((post) => post.thread === ref);

function drawAll() {
  at("channel-log").append(welcome());
  for (const post of state.posts.values()) if (!post.thread) place(at("channel-log"), post);
  if (!state.thread && WIDE.matches) {
    const alerts = [...state.posts.values()].filter((post) => !post.thread && post.author === state.bot);
    if (alerts.length && !state.closedByHand) state.thread = alerts[alerts.length - 1].ref;
  }
  drawThread();
  toEnd(at("channel-log"));
}

function draw(post, how) {
  if (!post.thread) place(at("channel-log"), post, how);
  else if (state.posts.has(post.thread)) place(at("channel-log"), state.posts.get(post.thread), {});
  if (state.thread && [post.ref, post.thread].includes(state.thread)) {
    place(at("thread-log"), post, how);
    tellReplies();
  }
}

function drawThread() {
  const root = state.posts.get(state.thread);
  const panel = at("panel");
  const log = at("thread-log");
  panel.hidden = !root;
  document.body.classList.toggle("with-thread", Boolean(root));
  history.replaceState(null, "", root ? `#${state.thread}` : location.pathname);
  for (const node of document.querySelectorAll("#channel-log .post")) {
    node.classList.toggle("open", node.dataset.ref === state.thread);
  }
  if (!root) return;
  log.replaceChildren();
  place(log, root);
  log.append(element("div", { class: "divider", id: "divider" }));
  for (const post of repliesTo(state.thread)) place(log, post);
  tellReplies();
  log.scrollTop = 0;
}

function tellReplies() {
  const count = repliesTo(state.thread).length;
  at("divider").textContent = count ? `${count} ${count === 1 ? "reply" : "replies"}` : "No replies yet";
  const root = state.posts.get(state.thread);
  at("panel-about").textContent = root ? `#${root.channel}` : "";
}

// Puts a post where it belongs in a log: replaced in place if it is there, at the end if not.
function place(log, post, { changed = false, fresh = false } = {}) {
  const old = log.querySelector(`[data-ref="${CSS.escape(post.ref)}"]`);
  const nearEnd = isNearEnd(log);
  const focused = old?.contains(document.activeElement) ? document.activeElement.dataset.value : null;
  const node = drawn(post, log);
  if (changed) node.classList.add("changed");
  if (fresh) node.classList.add("fresh");
  if (old) old.replaceWith(node);
  else log.append(node);
  if (focused) node.querySelector(`[data-value="${CSS.escape(focused)}"]`)?.focus();
  if (!fresh) return;
  if (nearEnd || state.follow || post.author === state.person) toEnd(log);
  else log.nextElementSibling.hidden = false;
}

const isNearEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 120;
const toEnd = (log) => { log.scrollTop = log.scrollHeight; };

function drawn(post, log) {
  const person = state.people.find((one) => one.id === post.author);
  const time = new Date(post.at);
  const clock = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const head = element("header", {},
    element("span", { class: "name" }, person ? person.name : state.bot),
    person ? null : element("span", { class: "tag" }, "App"),
    element("time", { datetime: post.at, title: time.toLocaleString() }, clock),
    post.edited ? element("span", { class: "faint" }, "(edited)") : null);
  const body = element("div", { class: "body" }, head,
    post.private ? element("p", { class: "only-you" }, "Only visible to you") : null,
    ...blocksOf(post, (button, value) => press(post, button, value)));
  const isChannel = log.id === "channel-log";
  if (isChannel) body.append(threadLink(post));
  const open = isChannel && post.ref === state.thread;
  const kind = `post${post.private ? " private" : ""}${person ? "" : " from-bot"}${open ? " open" : ""}`;
  return element("article", { class: kind, "data-ref": post.ref, "aria-label": post.fallback }, avatar(person), body);
}

function avatar(person) {
  if (!person) return element("img", { class: "avatar", src: "/icon.svg", alt: "" });
  const hue = state.people.indexOf(person) % 3;
  return element("span", { class: `avatar hue-${hue}`, "aria-hidden": "true" }, person.name.slice(0, 1));
}

function threadLink(post) {
  const replies = repliesTo(post.ref);
  const count = replies.length;
  const label = count ? `${count} ${count === 1 ? "reply" : "replies"}` : "Reply in thread";
  const link = element("button", { type: "button", class: count ? "thread" : "thread none" }, label);
  if (count) {
    const last = new Date(Math.max(...replies.map((one) => Date.parse(one.at))));
    const clock = last.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    link.append(element("span", { class: "faint" }, `last at ${clock}`));
  }
  link.addEventListener("click", () => { openThread(post.ref); at("thread-text").focus({ preventScroll: true }); });
  return link;
}

function welcome() {
  return element("div", { class: "welcome" },
    element("img", { src: "/icon.svg", alt: "", width: 48, height: 48 }),
    element("h2", {}, `#${state.channel}`),
    element("p", {}, "pullbot watches the cluster and tells here what cannot be pulled. The first alert takes a few seconds."));
}

function drawChannels(names) {
  at("channels").replaceChildren(...names.map((name) =>
    element("li", { "aria-current": name === state.channel ? "page" : null }, element("span", { "aria-hidden": "true" }, "#"), name)));
}

function drawPeople() {
  const legend = at("people").querySelector("legend");
  at("people").replaceChildren(legend, ...state.people.map((person) => {
    const radio = element("input", { type: "radio", name: "person", value: person.id, checked: person.id === state.person });
    radio.addEventListener("change", () => {
      state.person = person.id;
      sessionStorage.setItem("person", person.id);
      connect(); // private answers are streamed to their reader only
    });
    return element("label", {}, radio, avatar(person),
      element("span", { class: "who" }, element("b", {}, person.name), element("small", {}, person.role)));
  }));
}

// ---- what people do

async function press(post, button, value) {
  const all = button.parentElement.querySelectorAll("button");
  for (const one of all) one.disabled = true;
  state.follow = true;
  await send("/press", { ref: post.ref, value });
  for (const one of all) one.disabled = false;
}

function openThread(ref) {
  state.thread = ref;
  if (!ref) state.closedByHand = true;
  drawThread();
}

// On a wide screen the first alert opens its thread, and so does an answer to what this person asked.
function openByItself(post, known) {
  if (known || !WIDE.matches) return;
  const root = post.thread && state.posts.get(post.thread);
  const firstAlert = !post.thread && post.author === state.bot && !state.thread && !state.closedByHand;
  if (firstAlert) openThread(post.ref);
  else if (root && root.author === state.person && post.author === state.bot && state.thread !== root.ref) openThread(root.ref);
}

function compose(form, textarea, threadOf) {
  const grow = () => { textarea.style.height = "auto"; textarea.style.height = `${textarea.scrollHeight}px`; };
  form.querySelector(".chips").append(...SUGGESTIONS.map((words) => {
    const chip = element("button", { type: "button", class: "chip" }, words);
    chip.addEventListener("click", () => { textarea.value = words; grow(); textarea.focus(); });
    return chip;
  }));
  textarea.addEventListener("input", grow);
  textarea.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = textarea.value.trim();
    if (!text) return;
    textarea.value = "";
    grow();
    if (!(await send("/say", { channel: state.channel, thread: threadOf(), text }))) {
      textarea.value = text; // nothing that was typed is lost
      grow();
    }
  });
}

for (const log of LOGS) {
  const pill = log.nextElementSibling;
  pill.addEventListener("click", () => toEnd(log));
  log.addEventListener("scroll", () => { if (isNearEnd(log)) pill.hidden = true; });
  for (const kind of ["wheel", "touchmove", "keydown"]) log.addEventListener(kind, () => { state.follow = false; }, { passive: true });
}
compose(at("channel-form"), at("channel-text"), () => "");
compose(at("thread-form"), at("thread-text"), () => state.thread);
at("panel-close").addEventListener("click", () => { openThread(""); at("channel-text").focus(); });
addEventListener("keydown", (event) => { if (event.key === "Escape" && state.thread) openThread(""); });
connect();
