import { describe, expect, it } from "vitest";
import { choicesOf } from "./capture";
import { loudness, TalkDetector } from "./level";
import { recall, remember } from "./remembered";
import { adviceOn, switchFor, type Trouble, troubleOf } from "./trouble";

describe("trouble", () => {
  it.each([
    ["permission_denied", "refused"],
    ["permission_dismissed", "dismissed"],
    ["device_not_found", "missing"],
    ["device_in_use", "busy"],
    ["device_lost", "unplugged"],
    ["insecure_page", "insecure"],
    ["not_supported", "unsupported"],
    ["media_failed", "unknown"],
  ] as const)("%s is %s", (code, trouble) => {
    expect(troubleOf({ code })).toBe(trouble);
  });

  it("always has advice", () => {
    const all: Trouble[] = [
      "insecure",
      "unsupported",
      "refused",
      "dismissed",
      "missing",
      "busy",
      "unplugged",
      "unknown",
    ];
    for (const trouble of all) {
      for (const kind of ["camera", "microphone", "both"] as const) {
        const { title, help } = adviceOn(trouble, kind, "");
        expect(title.length).toBeGreaterThan(5);
        expect(help).toMatch(/\.$/);
      }
    }
    expect(adviceOn("refused", "both", "").title).toBe("Camera and microphone are blocked");
    expect(adviceOn("insecure", "camera", "").title).toContain("HTTPS or localhost");
  });

  it.each([
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
      "Website Settings",
    ],
    ["Mozilla/5.0 (iPhone) CriOS/140.0 Mobile Safari/604.1", "Settings, Apps"],
    ["Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/140.0", "crossed-out camera"],
    ["Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "lock"],
    ["Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Tap the icon"],
    ["Mozilla/5.0 (X11; Linux) Chrome/140.0 Safari/537.36", "icon left of the address"],
    ["Mozilla/5.0 (Macintosh) Version/18.0 Safari/605.1.15", "Settings for this website"],
    ["something else", "beside the address"],
  ])("knows the switch of %s", (userAgent, place) => {
    expect(switchFor(userAgent, "Camera")).toContain(place);
  });
});

describe("level", () => {
  it("goes from silence to full", () => {
    const at = (amplitude: number) => loudness(new Float32Array(1024).fill(amplitude));
    expect(at(0)).toBe(0);
    expect(at(1)).toBe(1);
    expect(at(0.05)).toBeGreaterThan(0.6);
    expect(at(0.05)).toBeLessThan(0.75);
    expect(at(0.001)).toBeCloseTo(0, 1);
  });

  it("notices talking that lasts, not a knock", () => {
    const detector = new TalkDetector();
    expect(detector.hear(0.9, 0)).toBe(false);
    expect(detector.hear(0.1, 200)).toBe(false);
    expect(detector.hear(0.9, 500)).toBe(false);
    expect(detector.hear(0.9, 800)).toBe(false);
    expect(detector.hear(0.9, 900)).toBe(true);
  });
});

describe("remembered", () => {
  const shelf = (content?: string) => {
    let kept = content ?? null;
    return {
      getItem: () => kept,
      setItem: (_: string, value: string) => {
        kept = value;
      },
    };
  };

  it("keeps name and devices", () => {
    const place = shelf();
    remember({ name: "Ana" }, place);
    remember({ camera: "c1" }, place);
    expect(recall(place)).toEqual({ name: "Ana", camera: "c1" });
  });

  it.each(["", "null", "7", "{", '{"name":7,"camera":[]}'])("starts afresh after %j", (content) => {
    expect(recall(shelf(content))).toEqual({ name: "" });
  });

  it("does without storage", () => {
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    };
    expect(() => remember({ name: "Ana" }, full)).not.toThrow();
  });
});

it("offers devices that can be chosen", () => {
  const named = [
    { id: "", label: "Camera 1" },
    { id: "b", label: "Desk" },
  ];
  expect(choicesOf(named)).toEqual([{ id: "b", label: "Desk" }]);
});
