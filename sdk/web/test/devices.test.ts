import { afterEach, expect, it, vi } from "vitest";
import { getDevices } from "../src/index.js";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("lists devices by kind and numbers those without a label", async () => {
  const device = (kind: string, deviceId: string, label = "") => ({ kind, deviceId, label });
  const found = [
    device("audioinput", "a1", "Desk microphone"),
    device("audioinput", "a2"),
    device("videoinput", "v1"),
    device("videoinput", "v2"),
    device("audiooutput", "o1"),
    device("smell", "s1"),
  ];
  vi.stubGlobal("navigator", { mediaDevices: { enumerateDevices: async () => found } });
  expect(await getDevices()).toEqual({
    audioinput: [
      { id: "a1", label: "Desk microphone" },
      { id: "a2", label: "Microphone 2" },
    ],
    videoinput: [
      { id: "v1", label: "Camera 1" },
      { id: "v2", label: "Camera 2" },
    ],
    audiooutput: [{ id: "o1", label: "Speaker 1" }],
  });
});

it("is undefined, with a warning, where the browser cannot list them", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.stubGlobal("navigator", {});
  expect(await getDevices()).toBeUndefined();
  expect(warn).toHaveBeenCalledOnce();
});
