import unittest
from concurrent.futures import ThreadPoolExecutor

import telnyx as sdk
from harness import NOBODY, client, create_room, key, rotunda, telnyx, unique


class Errors(unittest.TestCase):
    def assert_code(self, caught, code: str):
        fault = caught.exception.body["errors"][0]
        self.assertEqual(fault["code"], code)
        self.assertTrue(fault["title"] and fault["detail"])

    def test_unknown_key_is_401(self):
        with self.assertRaises(sdk.AuthenticationError) as caught:
            client(api_key="KEY-that-nobody-has-0000000000").rooms.create()
        self.assert_code(caught, "10009")

    def test_key_without_the_right_is_403(self):
        reader = client(api_key=key("read-only"))
        self.assertIsNotNone(reader.rooms.list().meta)
        with self.assertRaises(sdk.PermissionDeniedError) as caught:
            reader.rooms.create()
        self.assert_code(caught, "10010")
        minter = client(api_key=key("tokens-only"))
        self.assertTrue(minter.rooms.actions.generate_join_client_token(create_room()).data.token)
        with self.assertRaises(sdk.PermissionDeniedError):
            minter.rooms.list()

    def test_what_belongs_to_another_account_is_404(self):
        account = rotunda("account", "create", unique("stranger"))["id"]
        stranger = client(api_key=key("admin", "--account", account))
        room = create_room()
        with self.assertRaises(sdk.NotFoundError):
            stranger.rooms.retrieve(room)
        self.assertEqual(stranger.rooms.list().data, [])

    def test_all_faults_of_a_body_are_422(self):
        with self.assertRaises(sdk.UnprocessableEntityError) as caught:
            telnyx.rooms.create(max_participants=1, webhook_event_url="nowhere", webhook_timeout_secs=31)
        pointers = {fault["source"]["pointer"] for fault in caught.exception.body["errors"]}
        self.assertEqual(pointers, {"/max_participants", "/webhook_event_url", "/webhook_timeout_secs"})

    def test_name_that_is_taken_is_422(self):
        name = unique("taken")
        create_room(unique_name=name)
        with self.assertRaises(sdk.UnprocessableEntityError) as caught:
            create_room(unique_name=name)
        self.assert_code(caught, "10012")

    def test_page_out_of_range_is_400(self):
        with self.assertRaises(sdk.BadRequestError) as caught:
            telnyx.rooms.list(page_size=251)
        self.assert_code(caught, "10015")

    def test_too_many_requests_are_429_and_a_patient_sdk_gets_all_of_them_through(self):
        limited = key("admin")
        hasty, patient = client(api_key=limited), client(api_key=limited, max_retries=8)
        with ThreadPoolExecutor(40) as pool:
            faults = [fault for fault in pool.map(ask_much, [hasty] * 200) if fault]
            self.assertTrue(faults)
            for fault in faults:
                self.assertIsInstance(fault, sdk.RateLimitError)
                self.assertEqual(fault.body["errors"][0]["code"], "10011")
                self.assertGreater(int(fault.response.headers["retry-after"]), 0)
            self.assertEqual([fault for fault in pool.map(ask_much, [patient] * 80) if fault], [])


def ask_much(asker: sdk.Telnyx) -> Exception | None:
    """Asks for something that costs much of the key's allowance."""
    try:
        asker.room_recordings.delete_bulk(filter={"session_id": NOBODY})
    except Exception as fault:
        return fault
    return None
