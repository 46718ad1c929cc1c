import { queryOptions, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { ApiError, holdCsrf, sendOne } from "./client";
import type { PortalSession, Right } from "./types";

/** Who is signed in; null if nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<PortalSession | null> => {
    try {
      const session = await sendOne<PortalSession>({ method: "GET", path: "/portal_session" }, signal);
      holdCsrf(session.csrf_token);
      return session;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
});

/** The session of screens that are only shown to members. */
export function useSession(): PortalSession {
  const session = useSuspenseQuery(sessionQuery).data;
  if (!session) throw new Error("nobody is signed in");
  return session;
}

/** Whether the member may do what needs this right. The server checks it again. */
export function useMay(): (right: Right) => boolean {
  const { rights } = useSession();
  return (right) => rights.includes(right);
}

/** Takes over the session that an answer brought. */
export function useEnter(): (session: PortalSession) => void {
  const client = useQueryClient();
  return (session) => {
    holdCsrf(session.csrf_token);
    client.setQueryData(sessionQuery.queryKey, session);
  };
}
