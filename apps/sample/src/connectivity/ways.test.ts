import { describe, expect, it } from "vitest";
import { answerFor, type Outcome, relaysOf, verdictOf, type WayName, wayNames } from "./ways";

const answer = [
  "v=0",
  "a=setup:passive",
  "a=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host",
  "a=candidate:2 1 tcp 1520434943 192.0.2.1 7882 typ host tcptype passive",
  "a=end-of-candidates",
  "",
].join("\r\n");

const ways = (works: WayName[], rest: Outcome["kind"] = "blocked") =>
  Object.fromEntries(
    wayNames.map((way) => [way, works.includes(way) ? { kind: "works", milliseconds: 1 } : { kind: rest }]),
  ) as Record<WayName, Outcome>;

describe("answerFor", () => {
  it("leaves one protocol, and has nobody begin DTLS", () => {
    expect(answerFor(answer, "udp")).toBe(
      "v=0\r\na=setup:active\r\na=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host\r\na=end-of-candidates\r\n",
    );
    expect(answerFor(answer, "tcp").match(/a=candidate:.*/g)).toEqual([
      expect.stringContaining("tcptype passive"),
    ]);
  });
});

describe("relaysOf", () => {
  it("reads the relays of Link headers by way", () => {
    const credential = 'username="1:a"; credential="c"; credential-type="password"';
    const header = [
      '<stun:v.example:3478>; rel="ice-server"',
      `<turn:192.0.2.1:3478?transport=udp>; rel="ice-server"; ${credential}`,
      `<turn:192.0.2.1:3478?transport=tcp>; rel="ice-server"; ${credential}`,
      `<turn:[2001:db8::1]:3478?transport=udp>; rel="ice-server"; ${credential}`,
      `<turns:v.example:5349?transport=tcp>; rel="ice-server"; ${credential}`,
    ].join(", ");
    const relays = relaysOf(header);
    expect(Object.fromEntries(relays)).toEqual({
      "relay-udp": {
        urls: ["turn:192.0.2.1:3478?transport=udp", "turn:[2001:db8::1]:3478?transport=udp"],
        username: "1:a",
        credential: "c",
      },
      "relay-tcp": { urls: ["turn:192.0.2.1:3478?transport=tcp"], username: "1:a", credential: "c" },
      "relay-tls": { urls: ["turns:v.example:5349?transport=tcp"], username: "1:a", credential: "c" },
    });
    expect(relaysOf(null).size).toBe(0);
  });
});

describe("verdictOf", () => {
  it.each([
    [ways([], "waiting"), "Trying"],
    [ways(["udp", "tcp"]), "over the best way"],
    [ways(["relay-udp"]), "over the relay"],
    [ways(["relay-tls"]), "without UDP"],
    [ways(["tcp"], "absent"), "without UDP"],
    [ways([]), "do not work"],
  ])("says what it means for calls (%#)", (outcomes, words) => {
    expect(verdictOf(outcomes)).toContain(words);
  });
});
