"""An application's endpoint for webhooks."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import Inbox


@dataclass
class Delivery:
    """A webhook as it arrived."""

    body: str
    headers: dict[str, str]
    data: dict = field(init=False)
    meta: dict = field(init=False)

    def __post_init__(self):
        content = json.loads(self.body)
        self.data, self.meta = content["data"], content["meta"]


class Receiver:
    def __init__(self):
        self.deliveries = Inbox()
        self.first = 200  # what first attempts are answered; all others get 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                delivery = Delivery(body, dict(self.headers.items()))
                receiver.deliveries.put(delivery)
                self.send_response(receiver.first if delivery.meta["attempt"] == 1 else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def next(self, kind: str) -> Delivery:
        """The next webhook of this type."""
        return self.deliveries.take(lambda delivery: delivery.data["event_type"] == kind)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
