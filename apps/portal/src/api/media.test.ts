import { describe, expect, it } from "vitest";
import { isExpired, keepLinks, nameIn, ownAddress } from "./media";

describe("a name in a context", () => {
  it("is that of a JSON object, or a text that is no JSON", () => {
    expect(nameIn('{"name":"Ada"}')).toBe("Ada");
    expect(nameIn('{"display_name":"","identity":"ada-1"}')).toBe("ada-1");
    expect(nameIn("Ada  Lovelace")).toBe("Ada Lovelace");
    expect(nameIn('"Ada"')).toBe("Ada");
    expect(nameIn("42")).toBe("42");
  });

  it("is none where there is none", () => {
    for (const context of [null, "", "{}", "[1]", "true", '{"name":7}']) expect(nameIn(context)).toBe("");
  });

  it("has forty characters at most", () => {
    expect([...nameIn("ä".repeat(41))]).toHaveLength(40);
  });
});

it("media is loaded from the page's own server", () => {
  expect(ownAddress("https://video.example.com/v2/media/recording/1?account=2&signature=a-b")).toBe(
    "/v2/media/recording/1?account=2&signature=a-b",
  );
});

describe("a newer answer", () => {
  const link = (minutes: number, signature: string) =>
    `http://a.example/v2/media/recording/1?expires=${Math.floor(Date.now() / 1000) + 60 * minutes}&signature=${signature}`;

  it("keeps the links there are, so that what plays goes on", () => {
    const before = [{ id: "1", download_url: link(50, "a") }];
    expect(keepLinks(before, [{ id: "1", download_url: link(60, "b") }])).toBe(before);
  });

  it("brings new ones for those that expire, and for what is new", () => {
    const [old, fresh] = [link(1, "a"), link(60, "b")];
    expect(keepLinks({ id: "1", download_url: old }, { id: "1", download_url: fresh })).toEqual({
      id: "1",
      download_url: fresh,
    });
    expect(keepLinks(undefined, [{ id: "2", download_url: fresh }])).toEqual([
      { id: "2", download_url: fresh },
    ]);
    expect(isExpired(link(-1, "a"))).toBe(true);
  });

  it("brings no link back that the server gives no longer", () => {
    const before = { id: "1", download_url: link(50, "a") };
    expect(keepLinks(before, { id: "1", download_url: null })).toEqual({ id: "1", download_url: null });
  });
});
