/** Where to go after signing in: a path of the portal, whatever an address says. */
export function ownPath(to: string | null | undefined): string {
  return to?.startsWith("/") && !/^\/[/\\]/.test(to) ? to : "/";
}
