import base64
import json
import os
import subprocess
import sys
import unittest

from harness import Participant, client, create_room, telnyx, until
from receiver import Delivery, Receiver
from telnyx.lib.webhooks_ed25519 import unwrap_with_ed25519, verify_ed25519

STARTED = "video.room.session.started"
JOINED = "video.room.participant.joined"
LEFT = "video.room.participant.left"
ENDED = "video.room.session.ended"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()

# What an application with the older SDK does: its unwrap verifies the signature that the account's secret made.
UNWRAP_BY_SECRET = """
import json, sys, telnyx
assert telnyx.__version__ == "4.176.0", telnyx.__version__
given = json.load(sys.stdin)
client = telnyx.Telnyx(api_key="unused", public_key=given["secret"])
headers = {name.lower(): value for name, value in given["headers"].items()}
print(client.webhooks.unwrap(given["body"], headers=headers).to_dict()["data"]["id"])
"""


class Webhooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key = telnyx.get("/public_key", cast_to=object)["data"]["public_key"]
        telnyx.patch("/webhook_settings", cast_to=object, body={"secret": SECRET})
        cls.verifier = client(public_key=cls.key)

    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.room = create_room(webhook_event_url=self.receiver.url)

    def unwrap_by_secret(self, delivery: Delivery, secret: str) -> subprocess.CompletedProcess:
        given = {"secret": secret, "body": delivery.body, "headers": delivery.headers}
        return subprocess.run(
            [sys.executable, "-c", UNWRAP_BY_SECRET],
            input=json.dumps(given),
            env={**os.environ, "PYTHONPATH": os.environ["CONFORMANCE_PYTHON_4_176"]},
            capture_output=True,
            text=True,
        )

    def test_ed25519_by_default_and_by_helper(self):
        someone = Participant.join(self.room, context="guest")
        someone.leave()
        where = {"session_id": someone.session, "room_id": self.room}
        who = {**where, "participant_id": someone.id, "context": "guest"}
        for kind, payload in (
            (STARTED, where),
            (JOINED, who),
            (LEFT, {**who, "left_reason": "left"}),
            (ENDED, {**where, "ended_reason": "empty"}),
        ):
            with self.subTest(kind):
                delivery = self.receiver.next(kind)
                if kind in (LEFT, ENDED):
                    payload["duration_secs"] = delivery.data["payload"].get("duration_secs")
                    self.assertIsInstance(payload["duration_secs"], int)
                self.assertEqual(delivery.data["payload"], payload)
                event = self.verifier.webhooks.unwrap(delivery.body, headers=delivery.headers)
                self.assertEqual(event.to_dict()["data"]["id"], delivery.data["id"])
                unwrap_with_ed25519(self.verifier, delivery.body, delivery.headers)

    def test_what_was_changed_on_the_way_is_refused(self):
        someone = Participant.join(self.room)
        delivery = self.receiver.next(STARTED)
        verify_ed25519(self.verifier, delivery.body, delivery.headers)
        with self.assertRaises(Exception):
            verify_ed25519(self.verifier, delivery.body.replace(someone.session, someone.id), delivery.headers)
        someone.leave()

    def test_secret_of_the_account_by_the_older_sdk(self):
        someone = Participant.join(self.room)
        delivery = self.receiver.next(STARTED)
        done = self.unwrap_by_secret(delivery, SECRET)
        self.assertEqual((done.stdout.strip(), done.stderr), (delivery.data["id"], ""))
        other = "whsec_" + base64.b64encode(bytes(32)).decode()
        self.assertIn("WebhookVerificationError", self.unwrap_by_secret(delivery, other).stderr)
        someone.leave()

    def test_failed_delivery_is_tried_again_and_logged(self):
        self.receiver.first = 500
        someone = Participant.join(self.room)
        first = self.receiver.next(STARTED)
        again = self.receiver.next(STARTED)
        self.assertEqual(first.data, again.data)
        until("it is logged", lambda: telnyx.webhook_deliveries.retrieve(first.data["id"]).data.status == "delivered")
        logged = telnyx.webhook_deliveries.retrieve(first.data["id"]).data
        self.assertEqual(logged.webhook.id, first.data["id"])
        self.assertEqual({attempt.http.request.url for attempt in logged.attempts}, {self.receiver.url})
        found = telnyx.webhook_deliveries.list(filter={"webhook": {"contains": someone.session}})
        self.assertIn(logged.id, [delivery.id for delivery in found])
        telnyx.post(f"/webhook_deliveries/{logged.id}/actions/redeliver", cast_to=object)
        self.assertEqual(self.receiver.next(STARTED).data, first.data)
        someone.leave()
