/**
 * Seals and opens encoded frames (`docs/design/e2ee.md`):
 *
 *     clear header | AES-256-GCM ciphertext and tag | nonce (12) | key index (1) | length of the clear header (1)
 *
 * The header and the last two bytes are authenticated, too.
 */

/** How many keys a ring holds: indexes run from 0 to 15. */
export const KEY_COUNT = 16;

const NONCE = 12;
const TAG = 16;
const TRAILER = NONCE + 2;
const info = new TextEncoder().encode("rotunda e2ee frame key v1");
const tooShort = "the secret must have at least 16 bytes";

/** Makes the frame key of a secret that the application shares among the participants. */
export async function deriveKey(secret: Uint8Array): Promise<CryptoKey> {
  if (secret.length < 16) throw new RangeError(tooShort);
  const base = await crypto.subtle.importKey("raw", secret.slice(), "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info };
  return crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** The keys of a room, by index. */
export class KeyRing {
  readonly #keys = new Map<number, CryptoKey>();
  #current: number | undefined;

  /** Takes a key in; with `current` it is what is sealed with from now on. */
  set(index: number, key: CryptoKey, current: boolean): void {
    this.#keys.set(index, key);
    if (current) this.#current = index;
  }

  get current(): { index: number; key: CryptoKey } | undefined {
    const key = this.#current === undefined ? undefined : this.#keys.get(this.#current);
    return key && { index: this.#current as number, key };
  }

  get(index: number): CryptoKey | undefined {
    return this.#keys.get(index);
  }
}

/** Seals a frame whose first `clear` bytes stay readable. Undefined without a key: such a frame must not be sent. */
export async function seal(
  frame: ArrayBuffer,
  clear: number,
  ring: KeyRing,
): Promise<ArrayBuffer | undefined> {
  const { current } = ring;
  if (!current) return undefined;
  const open = Math.min(clear, frame.byteLength);
  const header = new Uint8Array(frame, 0, open);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
  const ends = Uint8Array.of(current.index, open);
  const how = { name: "AES-GCM", iv: nonce, additionalData: concat(header, ends) };
  const sealed = await crypto.subtle.encrypt(how, current.key, new Uint8Array(frame, open));
  return concat(header, new Uint8Array(sealed), nonce, ends).buffer;
}

/** Opens a frame. Undefined if it was not sealed, or with another key, or was changed on the way. */
export async function unseal(frame: ArrayBuffer, ring: KeyRing): Promise<ArrayBuffer | undefined> {
  if (frame.byteLength < TRAILER + TAG) return undefined;
  const ends = new Uint8Array(frame, frame.byteLength - 2);
  const [index, clear] = ends as unknown as [number, number];
  const key = ring.get(index);
  const end = frame.byteLength - TRAILER;
  if (!key || clear + TAG > end) return undefined;
  const header = new Uint8Array(frame, 0, clear);
  const how = {
    name: "AES-GCM",
    iv: new Uint8Array(frame, end, NONCE),
    additionalData: concat(header, ends),
  };
  try {
    const opened = await crypto.subtle.decrypt(how, key, new Uint8Array(frame, clear, end - clear));
    return concat(header, new Uint8Array(opened)).buffer;
  } catch {
    return undefined;
  }
}

/**
 * How many bytes of a frame must stay readable: servers tell key frames by the header of VP8, and decoders' depacketizers look at
 * no more of it. Of Opus the first byte says how long the packet lasts.
 */
export function clearBytes(kind: "audio" | "video", isKeyFrame: boolean): number {
  if (kind === "audio") return 1;
  return isKeyFrame ? 10 : 3;
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
