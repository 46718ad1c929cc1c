/** The address of the call app for who holds the token. Both are in the fragment, which browsers send to nobody. */
export function callLink(room: string, token: string): string {
  return `${window.location.origin}/#room=${room}&token=${token}`;
}
