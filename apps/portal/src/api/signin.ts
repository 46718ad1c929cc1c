import { queryOptions } from "@tanstack/react-query";
import { sendOne } from "./client";
import type { SignInMethods } from "./types";

/** The ways into the portal that the operator allows. They change with the server's settings alone. */
export const methodsQuery = queryOptions({
  queryKey: ["sign-in methods"],
  queryFn: ({ signal }) => sendOne<SignInMethods>({ method: "GET", path: "/portal_session/methods" }, signal),
  staleTime: Number.POSITIVE_INFINITY,
});
