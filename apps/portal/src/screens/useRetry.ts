import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { sendOne } from "../api/client";
import { orderCall, orderOf } from "../api/compositions";
import type { Composition } from "../api/types";

/** Asks for what was asked for before once more, and leads to it. */
export function useRetry() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (failed: Composition) => sendOne<Composition>(orderCall(orderOf(failed))),
    onSuccess: (made) => {
      client.setQueryData(["composition", made.id], made);
      void client.invalidateQueries({ queryKey: ["compositions"] });
      void navigate({ to: "/compositions/$compositionId", params: { compositionId: made.id } });
    },
  });
}
