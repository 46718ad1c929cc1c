"""What the tests stand on: the SDK as an application makes it, and the programs that do what REST cannot."""

import json
import os
import queue
import subprocess
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone

from telnyx import Telnyx

NOBODY = "00000000-0000-4000-8000-000000000000"
TODAY = datetime.now(timezone.utc).date()
TOMORROW = TODAY + timedelta(days=2)  # for sure, even if it is midnight meanwhile

# Base URL and key come from the environment, as an application has them.
telnyx = Telnyx()
SITE = str(telnyx.base_url).removesuffix("/").removesuffix("/v2")


def client(**options) -> Telnyx:
    """The SDK with other options; it gives up at the first failure."""
    return Telnyx(**{"max_retries": 0, **options})


def unique(word: str) -> str:
    """A name that no other test uses."""
    return f"{word} {uuid.uuid4()}"


def rotunda(*arguments: str) -> dict:
    """Carries out a command of the server's own, on the same data, and returns what it printed."""
    done = subprocess.run(
        [os.environ["CONFORMANCE_SERVER"], *arguments, "--json"], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def key(rights: str, *more: str) -> str:
    """Makes an API key with these rights."""
    return rotunda("key", "create", "--name", unique("conformance"), "--rights", rights, *more)["api_key"]


def record(session: str, participant: str, *arguments: str) -> list[str]:
    """Adds recordings to a session, as a recorder would, and returns their ids."""
    command = [os.environ["CONFORMANCE_RECORDING"], "-session", session, "-participant", participant, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def until(what: str, condition, seconds: float = 10) -> None:
    """Asks again and again until a condition holds that the server brings about by itself."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not in time: {what}")
        time.sleep(0.025)


def create_room(**fields) -> str:
    return telnyx.rooms.create(**fields).data.id


def token_for(room: str) -> str:
    return telnyx.rooms.actions.generate_join_client_token(room).data.token


class Inbox:
    """What arrived and nobody has taken yet."""

    def __init__(self):
        self._arrivals = queue.Queue()
        self._kept = []

    def put(self, item) -> None:
        self._arrivals.put(item)

    def take(self, matches, seconds: float = 10):
        """Takes the first that matches, now or within the time."""
        for index, item in enumerate(self._kept):
            if matches(item):
                return self._kept.pop(index)
        end = time.monotonic() + seconds
        while True:
            try:
                item = self._arrivals.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"nothing matched in time: {self._kept}") from None
            if matches(item):
                return item
            self._kept.append(item)


class Participant:
    """Someone in a room, over the native websocket; see participant/main.go."""

    def __init__(self, room: str, *, token: str = "", context: str = "", audio: bool = False):
        command = [os.environ["CONFORMANCE_PARTICIPANT"], "-url", SITE, "-context", context]
        self.facts = Inbox()
        self._process = subprocess.Popen(
            command + (["-audio"] if audio else []),
            env={**os.environ, "PARTICIPANT_TOKEN": token or token_for(room)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self.facts.put(json.loads(line))
        self._process.stdout.close()
        self._process.wait()

    @classmethod
    def join(cls, room: str, **options) -> "Participant":
        """Goes into the room; fails if the server refuses."""
        someone = cls(room, **options)
        fact = someone.fact("joined", "refused")
        assert fact["event"] == "joined", fact
        someone.id, someone.session = fact["participant_id"], fact["session_id"]
        if options.get("audio"):
            someone.fact("published")
        return someone

    def fact(self, *events: str) -> dict:
        return self.facts.take(lambda fact: fact["event"] in events)

    def notice(self, kind: str) -> dict:
        """The next notice of this type."""
        return self.facts.take(lambda fact: fact.get("notice", {}).get("type") == kind)["notice"]

    def leave(self) -> dict:
        """Leaves as a client does that says so."""
        self._process.stdin.close()
        return self.closed()

    def closed(self) -> dict:
        """How the connection ended."""
        fact = self.fact("closed")
        self._reader.join()
        self._process.stdin.close()
        return fact
