import { describe, expect, it } from "vitest";
import { asCurl, query } from "./client";

describe("a call as curl", () => {
  const origin = "https://video.example.com";

  it("has the method and the key", () => {
    expect(asCurl({ method: "DELETE", path: "/rooms/1" }, origin)).toBe(
      `curl -X DELETE 'https://video.example.com/v2/rooms/1' -H "Authorization: Bearer $ROTUNDA_API_KEY"`,
    );
  });

  it("quotes its body for a shell", () => {
    const line = asCurl({ method: "POST", path: "/rooms", body: { unique_name: "Ada's" } }, origin);
    expect(line).toContain(`-d '{"unique_name":"Ada'\\''s"}'`);
  });
});

describe("a query", () => {
  it("leaves out what has no value", () => {
    expect(query({ "page[size]": 50, "filter[search]": "", other: undefined })).toBe("?page%5Bsize%5D=50");
    expect(query({ other: undefined })).toBe("");
  });
});
