import { expect, it } from "vitest";
import { receivingStereo, tellingWishes } from "../src/media/audio-sdp.js";

const section = (mid: string, direction: string, fmtp = "minptime=10;useinbandfec=1") =>
  [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
    `a=mid:${mid}`,
    `a=${direction}`,
    "a=rtpmap:111 opus/48000/2",
    `a=fmtp:111 ${fmtp}`,
    "a=rtpmap:63 red/48000/2",
    "a=fmtp:63 111/111",
    "",
  ].join("\r\n");
const head = "v=0\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n";
const picture = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\n";

it("asks for both channels on lines that receive, and touches nothing else", () => {
  const before = head + section("0", "sendonly") + picture + section("2", "recvonly");
  const after =
    head +
    section("0", "sendonly") +
    picture +
    section("2", "recvonly", "minptime=10;useinbandfec=1;stereo=1");
  expect(receivingStereo(before)).toBe(after);
  expect(receivingStereo(after)).toBe(after);
});

it("says how a line sends", () => {
  const before = head + section("0", "sendonly") + section("00", "sendonly") + section("3", "sendonly");
  const wishes = new Map([
    ["0", { dtx: false, stereo: true }],
    ["3", { dtx: true, stereo: false }],
  ]);
  expect(tellingWishes(before, wishes)).toBe(
    head +
      section("0", "sendonly", "minptime=10;useinbandfec=1;usedtx=0;sprop-stereo=1") +
      section("00", "sendonly") +
      section("3", "sendonly"),
  );
});

it("leaves alone what has no Opus", () => {
  const plain = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=recvonly\r\na=rtpmap:0 PCMU/8000\r\n";
  expect(receivingStereo(head + plain)).toBe(head + plain);
  expect(tellingWishes(head + plain, new Map([["0", { dtx: false, stereo: true }]]))).toBe(head + plain);
});
