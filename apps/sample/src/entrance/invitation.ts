/** What the fragment of the address asks for. The fragment never leaves the browser by itself. */
export type Invitation =
  | { kind: "demo"; secret: string }
  | { kind: "room"; roomId: string; token: string; refreshToken: string | null }
  | { kind: "none" }
  | { kind: "broken"; problem: string };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function readInvitation(fragment: string): Invitation {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const secret = fields.get("demo");
  if (secret) return { kind: "demo", secret };

  const roomId = fields.get("room")?.toLowerCase() ?? "";
  const token = fields.get("token") ?? "";
  if (!roomId && !token) return { kind: "none" };
  if (!uuid.test(roomId))
    return { kind: "broken", problem: "The link names no room: after room= there must be a room id." };
  if (!token)
    return { kind: "broken", problem: "The link has no token: after token= there must be a client token." };
  return { kind: "room", roomId, token, refreshToken: fields.get("refresh") };
}
