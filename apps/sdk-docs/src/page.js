import MarkdownIt from "markdown-it";

/** Where links of the packages' READMEs lead on this site; links to anything else become plain words. */
const elsewhere = { "../web/README.md": "/docs/sdk", "../react/README.md": "/docs/sdk/react" };

/** The page of one package: its README as the way in, then the reference of everything it exports. */
export function pageOf({ title, at, readme, reference }) {
  const entry = render(withoutWorkshop(readme), new Map());
  const exported = exportsOf(reference);
  const body = render(withoutNoise(reference).replace(/^# .*$/m, "## Reference"), exported.anchors);
  const address = at ? `/docs/sdk/${at}` : "/docs/sdk";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Rotunda</title>
<link rel="icon" type="image/svg+xml" href="/docs/favicon.svg">
<link rel="stylesheet" href="/docs/page.css">
<link rel="stylesheet" href="/docs/sdk/sdk.css">
</head>
<body>
<header class="head"><a class="home" href="/docs"><img src="/docs/favicon.svg" alt="" width="24" height="24">Rotunda ${title}</a>
<nav aria-label="Documents">${links(address)}</nav></header>
<div class="sdk">
<nav class="sdk-contents" aria-label="Contents">${contents(exported.groups)}</nav>
<main class="sdk-main">${entry}${body}</main>
</div>
</body>
</html>
`;
}

function links(current) {
  const all = { "/docs": "REST API", "/docs/sdk": "Web SDK", "/docs/sdk/react": "React" };
  const here = (address) => (address === current ? ' aria-current="page"' : "");
  return Object.entries(all)
    .map(([address, words]) => `<a href="${address}"${here(address)}>${words}</a>`)
    .join("");
}

function contents(groups) {
  return [...groups]
    .map(([group, names]) => {
      const items = names.map(({ name, anchor }) => `<li><a href="#${anchor}">${escaped(name)}</a></li>`);
      return `<h2>${group}</h2><ul>${items.join("")}</ul>`;
    })
    .join("");
}

/** What the reference has, by kind, and the anchor of each name. */
function exportsOf(reference) {
  const groups = new Map();
  const anchors = new Map();
  let group = [];
  for (const { marks, words, anchor } of headingsOf(reference)) {
    if (marks === 2) {
      group = [];
      groups.set(words, group);
    } else if (marks === 3) {
      group.push({ name: words, anchor });
      anchors.set(words.replace(/\(\)$/, ""), anchor);
    }
  }
  return { groups, anchors };
}

/** The headings of a Markdown text, each with the anchor that links to it use. */
function headingsOf(markdown) {
  const slugs = new Slugs();
  let fenced = false;
  return markdown.split("\n").flatMap((line) => {
    if (line.startsWith("```")) fenced = !fenced;
    const heading = fenced ? null : /^(#+) (.*)$/.exec(line);
    if (!heading) return [];
    const words = heading[2].replace(/\\/g, "");
    return [{ marks: heading[1].length, words, anchor: slugs.of(words) }];
  });
}

/** Anchors as GitHub makes them: later ones of the same words are numbered. */
class Slugs {
  #seen = new Map();

  of(words) {
    const slug = words
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
    const count = this.#seen.get(slug) ?? 0;
    this.#seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  }
}

function render(markdown, anchors) {
  const md = new MarkdownIt({ html: true });
  const slugs = new Slugs();
  md.core.ruler.push("anchors", ({ tokens }) => {
    tokens.forEach((token, index) => {
      if (token.type === "heading_open") token.attrSet("id", slugs.of(wordsOf(tokens[index + 1])));
    });
  });
  const plainLink = md.renderer.renderToken.bind(md.renderer);
  const left = [];
  md.renderer.rules.link_open = (tokens, index, options) => {
    const href = tokens[index].attrGet("href") ?? "";
    const to = elsewhere[href] ?? (/^(#|https?:)/.test(href) ? href : undefined);
    left.push(to !== undefined);
    if (to === undefined) return "";
    tokens[index].attrSet("href", to);
    return plainLink(tokens, index, options);
  };
  md.renderer.rules.link_close = () => (left.pop() ? "</a>" : "");
  md.renderer.rules.table_open = () => '<div class="table"><table>';
  md.renderer.rules.table_close = () => "</table></div>";
  md.renderer.rules.fence = (tokens, index) => {
    const { content, info } = tokens[index];
    const code = info.trim() === "ts" ? linked(content, anchors) : escaped(content);
    return `<pre tabindex="0"><code>${code}</code></pre>\n`;
  };
  return md.render(markdown);
}

function wordsOf(inline) {
  return (inline.children ?? []).map(({ content }) => content).join("");
}

/** A signature whose exported names lead to their place. */
function linked(code, anchors) {
  return escaped(code).replace(/\b[A-Z]\w+\b/g, (name) => {
    const anchor = anchors.get(name);
    return anchor ? `<a href="#${anchor}">${name}</a>` : name;
  });
}

/** Leaves out what a signature says already: returned types, and tables of parameters without a word about them. */
function withoutNoise(reference) {
  const lines = reference.split("\n");
  const kept = [];
  for (let at = 0; at < lines.length; at++) {
    const heading =
      /^#+ (Parameters|Type Parameters|Returns|Overrides|Inherited from|Implementation of)$/.exec(lines[at]);
    if (!heading) {
      kept.push(lines[at]);
      continue;
    }
    let end = at + 1;
    while (end < lines.length && !/^(#+ |\*\*\*|---)/.test(lines[end])) end++;
    const section = lines.slice(at, end);
    if (/^(Type )?Parameters$/.test(heading[1]) && section.some((line) => /\| Description/.test(line)))
      kept.push(...section);
    at = end - 1;
  }
  return kept.join("\n");
}

/** A README's last part is for those who work on the package. */
function withoutWorkshop(readme) {
  return readme.split("\n## Working on it")[0];
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
