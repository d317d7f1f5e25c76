// Message blocks as DOM nodes. Text goes in as text (textContent), so nothing that a registry
// or a kubelet wrote can become markup.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const MARKS = { "✗ ": "fail", "? ": "unknown", "✓ ": "pass" };

function span({ text, style, url }) {
  if (url) return element("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, text);
  if (style === "bold") return element("strong", {}, text);
  if (style === "mono") return element("code", {}, text);
  if (text in MARKS) return element("span", { class: `mark ${MARKS[text]}` }, text);
  const parts = text.split(/(@pullbot\b)/i);
  const node = document.createDocumentFragment();
  node.append(...parts.map((part, i) => (i % 2 ? element("span", { class: "mention" }, part) : part)));
  return node;
}

function pairs({ rows }) {
  const body = rows.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)));
  return element("div", { class: "scroll" }, element("table", {}, element("tbody", {}, ...body)));
}

function code({ lines }) {
  const isDiff = lines.some((line) => line.kind);
  const body = lines.map(({ text, kind }) =>
    element("span", { class: kind ? `line ${kind}` : "line" }, `${text}\n`));
  const label = isDiff ? "Diff: what would change" : "Code";
  return element("pre", { class: isDiff ? "diff" : null, tabindex: "0", role: "region", "aria-label": label },
    element("code", {}, ...body));
}

function buttons({ buttons: made }, press) {
  const nodes = made.map(({ label, value, style }) => {
    const node = element("button", { type: "button", class: `action ${style}`, "data-value": value }, label);
    node.addEventListener("click", () => press(node, value));
    return node;
  });
  return element("div", { class: "actions" }, ...nodes);
}

const BLOCKS = {
  heading: ({ text }) => element("h3", {}, text),
  paragraph: ({ spans }) => element("p", {}, ...spans.map(span)),
  pairs,
  code,
  buttons,
};

// `press(button, value)` is called when a button of the message is pressed.
export function blocksOf(post, press) {
  return post.blocks.map((block) => BLOCKS[block.type](block, press));
}
