/** How a line sends sound, as far as only the SDP can say it. */
export interface OpusWishes {
  /** Nothing is sent in silence. */
  dtx: boolean;
  stereo: boolean;
}

/** The media sections of a description, what precedes the first one included, as they are joined without a separator. */
function sections(sdp: string): string[] {
  return sdp.split(/^(?=m=)/m);
}

/** Sets parameters of Opus (RFC 7587 section 6.1) in a media section. */
function withOpus(section: string, parameters: Record<string, string>): string {
  const payloadType = section.match(/^a=rtpmap:(\d+) opus\/48000\/2/im)?.[1];
  if (payloadType === undefined) return section;
  return section.replace(new RegExp(`^(a=fmtp:${payloadType} )(.*?)(\r?)$`, "m"), (_, head, before, end) => {
    const kept = (before as string)
      .split(";")
      .filter((part) => !((part.split("=")[0] ?? "").trim() in parameters));
    const set = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
    return `${head}${[...kept, ...set].join(";")}${end}`;
  });
}

/** Has the browser decode both channels of what it receives, if there are two. It goes by its own offer. */
export function receivingStereo(offer: string): string {
  return sections(offer)
    .map((section) =>
      section.startsWith("m=audio") && /^a=recvonly\r?$/m.test(section)
        ? withOpus(section, { stereo: "1" })
        : section,
    )
    .join("");
}

/** Tells the server how the lines send, by their mids: its answer asks the browser for just that. */
export function tellingWishes(offer: string, wishes: ReadonlyMap<string, OpusWishes>): string {
  return sections(offer)
    .map((section) => {
      const wish = wishes.get(section.match(/^a=mid:(.*?)\r?$/m)?.[1] ?? "");
      if (!wish || !section.startsWith("m=audio")) return section;
      const { dtx, stereo } = wish;
      return withOpus(section, { ...(!dtx && { usedtx: "0" }), ...(stereo && { "sprop-stereo": "1" }) });
    })
    .join("");
}
