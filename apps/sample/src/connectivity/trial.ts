import type { Ticket } from "../entrance/pass";
import { answerFor, type Outcome, relaysOf, type WayName, wayNames } from "./ways";

/** Milliseconds that a way has to open. The server keeps what is not connected for 30 s. */
const patience = 8_000;

/** Why no way could be tried. */
export class TrialError extends Error {}

/**
 * Tries every way to the server, and tells what became of each as soon as it is known. One offer over WHIP has the server
 * be ready; then each way is a connection of its own that may use no other.
 */
export async function tryWays(
  ticket: Ticket,
  tell: (way: WayName, outcome: Outcome) => void,
  signal: AbortSignal,
): Promise<void> {
  const invitation = await invite(ticket, signal);
  try {
    const attempt = async (way: WayName) => {
      const outcome = await open(way, invitation, signal);
      if (!signal.aborted) tell(way, outcome);
    };
    await Promise.all((["udp", "tcp"] as const).map(attempt));
    await Promise.all(wayNames.filter((way) => way.startsWith("relay")).map(attempt));
  } finally {
    await invitation.leave();
  }
}

interface Invitation {
  answer: string;
  relays: Map<WayName, RTCIceServer>;
  leave(): Promise<void>;
}

async function invite({ roomId, token }: Ticket, signal: AbortSignal): Promise<Invitation> {
  const connection = new RTCPeerConnection();
  const authorization = `Bearer ${token}`;
  const name = `connection-check-${crypto.randomUUID().slice(0, 8)}`;
  let response: Response;
  try {
    const { sdp } = await offer(connection);
    response = await fetch(`/rooms/${roomId}/whip/${name}`, {
      method: "POST",
      headers: { authorization, "content-type": "application/sdp" },
      body: sdp,
      credentials: "omit",
      signal,
    });
  } catch (cause) {
    throw new TrialError("The server does not answer.", { cause });
  } finally {
    connection.close();
  }
  if (!response.ok) throw new TrialError(await refusalOf(response));
  const location = response.headers.get("location");
  return {
    answer: await response.text(),
    relays: relaysOf(response.headers.get("link")),
    async leave() {
      if (location) await fetch(location, { method: "DELETE", headers: { authorization } }).catch(() => {});
    },
  };
}

/** An offer to send sound, of which there is none: no microphone is asked for. */
async function offer(connection: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
  connection.addTransceiver("audio", { direction: "sendonly" });
  const description = await connection.createOffer();
  await connection.setLocalDescription(description);
  return description;
}

async function refusalOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => ({}))) as { errors?: { detail?: string }[] };
  return body.errors?.[0]?.detail ?? `The server answered ${response.status}.`;
}

async function open(way: WayName, { answer, relays }: Invitation, signal: AbortSignal): Promise<Outcome> {
  const relay = relays.get(way);
  const relayed = way.startsWith("relay");
  const sdp = answerFor(answer, way === "tcp" ? "tcp" : "udp");
  if ((relayed && !relay) || !sdp.includes("a=candidate:")) return { kind: "absent" };
  const connection = new RTCPeerConnection(
    relay ? { iceServers: [relay], iceTransportPolicy: "relay" } : { iceServers: [] },
  );
  try {
    await offer(connection);
    const begun = performance.now();
    const opened = settled(connection, signal);
    await connection.setRemoteDescription({ type: "answer", sdp });
    if (!(await opened)) return { kind: "blocked" };
    return { kind: "works", milliseconds: Math.round(performance.now() - begun) };
  } catch {
    return { kind: "blocked" };
  } finally {
    connection.close();
  }
}

/** Whether ICE finds the way open in time. */
function settled(connection: RTCPeerConnection, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
    end.addEventListener("abort", () => resolve(false));
    if (end.aborted) resolve(false);
    connection.oniceconnectionstatechange = () => {
      const { iceConnectionState: state } = connection;
      if (state === "connected" || state === "completed") resolve(true);
      else if (state === "failed" || state === "closed") resolve(false);
    };
  });
}
