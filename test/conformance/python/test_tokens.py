import unittest
from datetime import datetime, timezone

import telnyx as sdk
from harness import NOBODY, Participant, client, create_room, telnyx


def seconds_until(moment: datetime) -> float:
    return (moment - datetime.now(timezone.utc)).total_seconds()


class ClientTokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.room = create_room()
        cls.actions = telnyx.rooms.actions

    def test_lives_as_long_as_asked(self):
        usual = self.actions.generate_join_client_token(self.room).data
        self.assertAlmostEqual(seconds_until(usual.token_expires_at), 600, delta=5)
        self.assertAlmostEqual(seconds_until(usual.refresh_token_expires_at), 3600, delta=5)
        own = self.actions.generate_join_client_token(self.room, token_ttl_secs=60, refresh_token_ttl_secs=120).data
        self.assertAlmostEqual(seconds_until(own.token_expires_at), 60, delta=5)
        self.assertAlmostEqual(seconds_until(own.refresh_token_expires_at), 120, delta=5)

    def test_refresh_gives_a_token_that_opens_the_room(self):
        first = self.actions.generate_join_client_token(self.room).data
        keyless = client(api_key="none").rooms.actions
        fresh = keyless.refresh_client_token(self.room, refresh_token=first.refresh_token, token_ttl_secs=30).data
        self.assertAlmostEqual(seconds_until(fresh.token_expires_at), 30, delta=5)
        Participant.join(self.room, token=fresh.token).leave()

    def test_what_is_no_refresh_token_of_the_room_is_refused(self):
        tokens = self.actions.generate_join_client_token(self.room).data
        for room, token in ((self.room, "nonsense"), (self.room, tokens.token), (create_room(), tokens.refresh_token)):
            with self.subTest(token), self.assertRaises(sdk.PermissionDeniedError):
                self.actions.refresh_client_token(room, refresh_token=token)

    def test_bounds_and_rooms_are_checked(self):
        for fields in ({"token_ttl_secs": 9}, {"token_ttl_secs": 3601}, {"refresh_token_ttl_secs": 86_401}):
            with self.subTest(fields), self.assertRaises(sdk.UnprocessableEntityError):
                self.actions.generate_join_client_token(self.room, **fields)
        with self.assertRaises(sdk.NotFoundError):
            self.actions.generate_join_client_token(NOBODY)
