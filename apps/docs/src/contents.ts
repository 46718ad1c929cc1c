/** What is needed of an OpenAPI document to list its operations. */
export interface Document {
  tags?: { name: string }[];
  paths: Record<string, Record<string, unknown>>;
}

export interface Entry {
  method: string;
  path: string;
  id: string;
  summary: string;
}

export interface Chapter {
  name: string;
  entries: Entry[];
}

const methods = ["get", "post", "put", "patch", "delete"];

/** The operations in the order of the document, by tag; a tag that the document does not list comes last. */
export function chaptersOf(document: Document): Chapter[] {
  const chapters = new Map((document.tags ?? []).map(({ name }) => [name, [] as Entry[]]));
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of methods) {
      const operation = item[method] as
        | { operationId: string; summary?: string; tags?: string[] }
        | undefined;
      if (!operation) continue;
      const tag = operation.tags?.[0] ?? "Other";
      const entries = chapters.get(tag) ?? [];
      chapters.set(tag, entries);
      entries.push({ method, path, id: operation.operationId, summary: operation.summary ?? path });
    }
  }
  return [...chapters]
    .map(([name, entries]) => ({ name, entries }))
    .filter(({ entries }) => entries.length > 0);
}

/** The address of an operation on this page; the viewer opens and scrolls to it. */
export function anchorOf(chapter: Chapter, entry: Entry): string {
  return `#/${encodeURIComponent(chapter.name)}/${encodeURIComponent(entry.id)}`;
}

/** The id of the viewer's element for an operation with this address. */
export function elementOf(anchor: string): string {
  const [tag = "", id = ""] = decodeURIComponent(anchor.replace(/^#\//, "")).split("/");
  return `operations-${tag.trim().replace(/\s/g, "_")}-${id}`;
}
