import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { anchorOf, chaptersOf, type Document, elementOf } from "./contents.js";
import { unfilled } from "./examples.js";
import "./page.css";
import "./reference.css";

const reference = document.querySelector<HTMLElement>("#reference") as HTMLElement;
const contents = document.querySelector<HTMLElement>("#contents") as HTMLElement;

function list(spec: Document): void {
  for (const chapter of chaptersOf(spec)) {
    const title = document.createElement("h2");
    title.textContent = chapter.name;
    const entries = document.createElement("ul");
    for (const entry of chapter.entries) {
      const link = document.createElement("a");
      link.href = anchorOf(chapter, entry);
      const method = document.createElement("span");
      method.className = `method ${entry.method}`;
      method.textContent = entry.method === "delete" ? "DEL" : entry.method.toUpperCase();
      link.append(method, entry.summary);
      const item = document.createElement("li");
      item.append(link);
      entries.append(item);
    }
    contents.append(title, entries);
  }
}

/** The viewer reads the address once, at its start; later links of the contents are followed here. */
function follow(): void {
  const operation = document.getElementById(elementOf(location.hash));
  if (!operation) return;
  if (!operation.classList.contains("is-open")) {
    operation.querySelector<HTMLElement>(".opblock-summary-control")?.click();
  }
  operation.scrollIntoView();
  for (const link of contents.querySelectorAll("a")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

async function start(): Promise<void> {
  const answer = await fetch("/v2/openapi.json");
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const spec = (await answer.json()) as Document;
  list(spec);
  SwaggerUI({
    spec: unfilled(spec),
    domNode: reference,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    defaultModelExpandDepth: 3,
    defaultModelRendering: "example",
    displayOperationId: false,
    displayRequestDuration: true,
    persistAuthorization: false,
    syntaxHighlight: false,
    validatorUrl: null,
    withCredentials: false,
    onComplete: () => {
      follow();
      addEventListener("hashchange", follow);
    },
  });
}

start().catch((error: unknown) => {
  reference.replaceChildren();
  const words = document.createElement("p");
  words.className = "waiting";
  words.textContent = `The reference could not be loaded: ${error instanceof Error ? error.message : error}. Reload the page to try again.`;
  reference.append(words);
});
