/** A way that media may take from this browser to the server. */
export type WayName = "udp" | "tcp" | "relay-udp" | "relay-tcp" | "relay-tls";

export const wayNames: readonly WayName[] = ["udp", "tcp", "relay-udp", "relay-tcp", "relay-tls"];

/** What became of a way. `absent`: the server does not offer it. */
export type Outcome =
  | { kind: "waiting" }
  | { kind: "works"; milliseconds: number }
  | { kind: "blocked" }
  | { kind: "absent" };

/** What people are told of each way, and what an operator changes where it does not work. */
export const wayWords: Record<WayName, { title: string; settings: string[]; open: string }> = {
  udp: { title: "UDP", settings: ["--rtc-udp-port", "--rtc-public-ip"], open: "the UDP media port" },
  tcp: { title: "TCP", settings: ["--rtc-tcp-port"], open: "the TCP media port" },
  "relay-udp": {
    title: "Relay over UDP",
    settings: ["--turn-port", "--turn-host"],
    open: "the relay's UDP port",
  },
  "relay-tcp": {
    title: "Relay over TCP",
    settings: ["--turn-port", "--turn-host"],
    open: "the relay's TCP port",
  },
  "relay-tls": {
    title: "Relay over TLS",
    settings: ["--tls-cert", "--turn-tls-port", "--turn-host"],
    open: "the relay's TLS port",
  },
};

/** The server's candidates of one protocol alone, in an answer that has this browser wait for DTLS: only the way is tried. */
export function answerFor(answer: string, protocol: "udp" | "tcp"): string {
  return answer
    .split("\r\n")
    .filter((line) => !line.startsWith("a=candidate:") || line.split(" ")[2]?.toLowerCase() === protocol)
    .join("\r\n")
    .replaceAll("a=setup:passive", "a=setup:active");
}

const link = /<(turns?):([^>]+)>; rel="ice-server"; username="([^"]*)"; credential="([^"]*)"/g;

/** The relays of Link headers (RFC 9725, section 4.6), by way. */
export function relaysOf(header: string | null): Map<WayName, RTCIceServer> {
  const relays = new Map<WayName, RTCIceServer>();
  for (const [, scheme, rest, username, credential] of (header ?? "").matchAll(link)) {
    const way =
      scheme === "turns" ? "relay-tls" : rest?.endsWith("transport=tcp") ? "relay-tcp" : "relay-udp";
    const known = relays.get(way);
    const urls = [...((known?.urls as string[] | undefined) ?? []), `${scheme}:${rest}`];
    relays.set(way, { urls, username: username ?? "", credential: credential ?? "" });
  }
  return relays;
}

/** One sentence about all of them. */
export function verdictOf(outcomes: Record<WayName, Outcome>): string {
  const works = (way: WayName) => outcomes[way].kind === "works";
  if (wayNames.some((way) => outcomes[way].kind === "waiting")) return "Trying each way to the server…";
  if (works("udp")) return "Calls work, over the best way there is.";
  if (works("relay-udp"))
    return "Calls work over the relay. This network, or a firewall at the server, lets UDP through to the relay only.";
  if (wayNames.some(works))
    return "Calls work, but without UDP: pictures may stand still while packets are lost.";
  return "Calls do not work from here: no way to the server is open.";
}
