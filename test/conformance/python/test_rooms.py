import unittest
from datetime import datetime, timezone

import telnyx as sdk
from harness import NOBODY, TOMORROW, Participant, create_room, telnyx, unique, until


class Rooms(unittest.TestCase):
    def test_created_with_every_field_and_with_none(self):
        fields = {
            "unique_name": unique("full"),
            "max_participants": 7,
            "enable_recording": True,
            "webhook_event_url": "https://example.com/hook",
            "webhook_event_failover_url": "https://example.org/hook",
            "webhook_timeout_secs": 5,
        }
        full = telnyx.rooms.create(**fields).data
        self.assertEqual(full.record_type, "room")
        self.assertEqual({name: getattr(full, name) for name in fields}, fields)
        self.assertIsInstance(full.created_at, datetime)
        self.assertEqual(full.created_at.tzinfo, timezone.utc)
        bare = telnyx.rooms.create().data
        self.assertEqual((bare.max_participants, bare.enable_recording), (10, False))
        self.assertIsNone(bare.active_session_id)

    def test_retrieved_with_sessions_if_asked_for(self):
        room = create_room()
        self.assertIsNone(telnyx.rooms.retrieve(room).data.sessions)
        someone = Participant.join(room)
        data = telnyx.rooms.retrieve(room, include_sessions=True).data
        self.assertEqual(data.active_session_id, someone.session)
        self.assertEqual([session.id for session in data.sessions], [someone.session])
        someone.leave()

    def test_update_changes_what_it_names_and_null_clears(self):
        name = unique("patched")
        room = create_room(unique_name=name)
        changed = telnyx.rooms.update(room, max_participants=3, webhook_event_url="https://example.com/", webhook_timeout_secs=9)
        self.assertEqual((changed.data.max_participants, changed.data.webhook_timeout_secs), (3, 9))
        cleared = telnyx.rooms.update(room, webhook_event_url=None, webhook_timeout_secs=None).data
        self.assertEqual((cleared.unique_name, cleared.max_participants), (name, 3))
        self.assertIsNone(cleared.webhook_event_url)
        self.assertIsNone(cleared.webhook_timeout_secs)

    def test_deleted_room_is_gone_and_its_participants_are_out(self):
        room = create_room()
        someone = Participant.join(room)
        self.assertIsNone(telnyx.rooms.delete(room))
        closed = someone.closed()
        self.assertEqual((closed["code"], closed["reason"]), (4002, "room_deleted"))
        with self.assertRaises(sdk.NotFoundError):
            telnyx.rooms.retrieve(room)
        sessions = telnyx.rooms.sessions
        until("the session's end is recorded", lambda: sessions.retrieve(someone.session).data.ended_at is not None)
        self.assertFalse(sessions.retrieve(someone.session).data.active)

    def test_auto_paging_gives_every_room_once(self):
        ids = [create_room() for _ in range(7)]
        listed = [room.id for room in telnyx.rooms.list(page_size=3)]
        self.assertEqual(listed[:7], ids[::-1])
        self.assertEqual(len(set(listed)), len(listed))

    def test_page_past_the_end_is_empty(self):
        page = telnyx.rooms.list(filter={"unique_name": unique("none")}, page_number=4, page_size=5)
        self.assertEqual((page.data, page.meta.total_pages, page.meta.page_number), ([], 0, 4))
        self.assertFalse(page.has_next_page())

    def test_filters_choose(self):
        name = unique("filtered & 100% <name>")
        room = create_room(unique_name=name)
        day = telnyx.rooms.retrieve(room).data.created_at.date()
        by_name = {"unique_name": name}
        for filters, expected in (
            (by_name, [room]),
            ({**by_name, "date_created_at": {"eq": day}}, [room]),
            ({**by_name, "date_created_at": {"gte": day, "lte": day}}, [room]),
            ({**by_name, "date_created_at": {"gte": TOMORROW}}, []),
            ({**by_name, "date_updated_at": {"eq": TOMORROW}}, []),
        ):
            with self.subTest(filters):
                self.assertEqual([each.id for each in telnyx.rooms.list(filter=filters)], expected)

    def test_list_holds_sessions_if_asked_for(self):
        name = unique("busy")
        someone = Participant.join(create_room(unique_name=name))
        (listed,) = telnyx.rooms.list(filter={"unique_name": name}, include_sessions=True)
        self.assertEqual([session.id for session in listed.sessions], [someone.session])
        someone.leave()

    def test_unknown_room_is_not_found(self):
        for ask in (telnyx.rooms.retrieve, telnyx.rooms.update, telnyx.rooms.delete):
            with self.subTest(ask), self.assertRaises(sdk.NotFoundError):
                ask(NOBODY)


class AsyncRooms(unittest.IsolatedAsyncioTestCase):
    async def test_asynchronous_client_pages(self):
        for _ in range(3):
            create_room()
        async with sdk.AsyncTelnyx(max_retries=0) as client:
            listed = [room.id async for room in client.rooms.list(page_size=2)]
        self.assertGreaterEqual(len(listed), 3)
        self.assertEqual(len(set(listed)), len(listed))
