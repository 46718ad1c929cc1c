"""The HTTP half of WHIP and WHEP, for clients that bring the WebRTC half."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

API = os.environ["TELNYX_BASE_URL"]
SITE = API.removesuffix("/v2")
LINK = '<turn:127.0.0.1:9?transport=udp>; rel="ice-server"; username="conformance"; credential="open-sesame"; credential-type="password"'


def request(method: str, url: str, body: str = "", **headers) -> tuple[int, dict, str]:
    """Status, headers and body of the answer, whatever the status."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(url, method=method, data=body.encode() if body else None, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=15) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read().decode()


class Room:
    """A room, new unless it is named, and a token for it."""

    def __init__(self, room: str = "", token: str = ""):
        self.id = room or self._ask("/rooms")["id"]
        self.token = token or self._ask(f"/rooms/{self.id}/actions/generate_join_client_token")["token"]

    def _ask(self, path: str) -> dict:
        key = f"Bearer {os.environ['TELNYX_API_KEY']}"
        status, _, body = request("POST", API + path, "{}", Authorization=key, Content_Type="application/json")
        if status not in (200, 201):
            raise AssertionError(f"{path}: {status} {body}")
        return json.loads(body)["data"]

    def publish(self, name: str, offer: str) -> "Session":
        return Session(f"{SITE}/rooms/{self.id}/whip/{name}", self.token, offer)

    def watch(self, name: str, offer: str) -> "Session":
        return Session(f"{SITE}/rooms/{self.id}/whep/{name}", self.token, offer)


class Session:
    """What a POST made: the answer, and the address to change and to end it."""

    def __init__(self, endpoint: str, token: str, offer: str):
        self._token = f"Bearer {token}"
        status, headers, self.answer = request(
            "POST", endpoint, offer, Authorization=self._token, Content_Type="application/sdp"
        )
        if status != 201:
            raise AssertionError(f"{endpoint}: {status} {self.answer}")
        self.links = headers.get_all("Link")
        self.url, self.tag = urllib.parse.urljoin(endpoint, headers["Location"]), headers["ETag"]

    def trickle(self, offer: str, candidates: list[str]) -> int:
        """Sends candidates of the first line of the offer, and returns the status."""
        lines = offer.splitlines()
        pick = [next(line for line in lines if line.startswith(prefix)) for prefix in ("a=ice-ufrag:", "a=ice-pwd:", "m=", "a=mid:")]
        body = "\r\n".join([*pick, *(f"a={candidate}" for candidate in candidates), "a=end-of-candidates", ""])
        return request(
            "PATCH", self.url, body, Authorization=self._token, If_Match=self.tag, Content_Type="application/trickle-ice-sdpfrag"
        )[0]

    def end(self) -> int:
        return request("DELETE", self.url, Authorization=self._token)[0]
