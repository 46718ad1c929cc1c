import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, type Call, sendOne } from "../api/client";
import type { Delivery } from "../api/webhooks";
import { Curl } from "../ui/Curl";
import { Dialog } from "../ui/Dialog";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";

/** Sends an event that means nothing, and leads to what comes of it. */
export function TestEvent({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [url, setUrl] = useState("");
  const call: Call = {
    method: "POST",
    path: "/webhook_settings/actions/send_test_event",
    body: url.trim() ? { webhook_event_url: url.trim() } : {},
  };
  const test = useMutation({
    mutationFn: () => sendOne<Delivery>(call),
    onSuccess: (delivery) => {
      void client.invalidateQueries({ queryKey: ["deliveries"] });
      void navigate({ to: "/webhooks/$deliveryId", params: { deliveryId: delivery.id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    test.mutate();
  };
  const fault = test.error instanceof ApiError ? test.error.of("webhook_event_url") : undefined;
  return (
    <Dialog title="Send a test" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <p>The event is signed, tried again and logged like any other. Its type is rotunda.test.</p>
        <TextField
          label="URL"
          type="url"
          hint="Empty: where events of the account go."
          value={url}
          fault={fault}
          onChange={({ target }) => setUrl(target.value)}
        />
        <Fault error={test.error} fields={["webhook_event_url"]} />
        <Curl call={call} />
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={test.isPending}>
            Send
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
