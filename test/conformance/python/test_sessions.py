import unittest

import telnyx as sdk
from harness import NOBODY, TODAY, TOMORROW, Participant, create_room, telnyx, until


class SessionsAndParticipants(unittest.TestCase):
    """Two sessions: one with two participants that has ended, and one going on."""

    @classmethod
    def setUpClass(cls):
        cls.room = create_room()
        cls.past = [Participant.join(cls.room, context='{"role":"host"}'), Participant.join(cls.room, context="guest")]
        cls.ended = cls.past[0].session
        for someone in cls.past:
            someone.leave()
        until("the session ends", lambda: telnyx.rooms.retrieve(cls.room).data.active_session_id is None)
        cls.present = Participant.join(cls.room)
        cls.addClassCleanup(cls.present.leave)

    def test_retrieved_with_participants_if_asked_for(self):
        bare = telnyx.rooms.sessions.retrieve(self.ended).data
        self.assertEqual((bare.record_type, bare.room_id, bare.active), ("room_session", self.room, False))
        self.assertIsNone(bare.participants)
        full = telnyx.rooms.sessions.retrieve(self.ended, include_participants=True).data
        self.assertEqual({each.id for each in full.participants}, {someone.id for someone in self.past})
        running = telnyx.rooms.sessions.retrieve(self.present.session).data
        self.assertTrue(running.active)
        self.assertIsNone(running.ended_at)

    def test_sessions_are_listed_by_every_filter(self):
        both = [self.present.session, self.ended]
        for filters, expected in (
            ({}, both),
            ({"active": True}, [self.present.session]),
            ({"active": False}, [self.ended]),
            ({"date_created_at": {"gte": TODAY}}, both),
            ({"date_created_at": {"gte": TOMORROW}}, []),
            ({"date_updated_at": {"gte": TOMORROW}}, []),
            ({"date_ended_at": {"gte": TODAY, "lte": TOMORROW}}, [self.ended]),
        ):
            with self.subTest(filters):
                of_room = telnyx.rooms.sessions.list_1(self.room, filter=filters, page_size=1)
                self.assertEqual([each.id for each in of_room], expected)
                of_all = telnyx.rooms.sessions.list_0(filter={**filters, "room_id": self.room})
                self.assertEqual([each.id for each in of_all], expected)

    def test_lists_hold_participants_if_asked_for(self):
        listed = telnyx.rooms.sessions.list_1(self.room, include_participants=True)
        self.assertEqual([len(session.participants) for session in listed], [1, 2])

    def test_participants_are_listed_by_every_filter(self):
        host, guest = (someone.id for someone in self.past)
        day = telnyx.room_participants.retrieve(host).data.joined_at.date()
        for filters, expected in (
            ({}, [guest, host]),
            ({"context": '{"role":"host"}'}, [host]),
            ({"context": "nobody's"}, []),
            ({"date_joined_at": {"lte": TOMORROW, "gte": day}}, [guest, host]),
            ({"date_joined_at": {"gte": TOMORROW}}, []),
            ({"date_updated_at": {"lte": TOMORROW}}, [guest, host]),
            ({"date_left_at": {"gte": TODAY}}, [guest, host]),
            ({"date_left_at": {"gte": TOMORROW}}, []),
        ):
            with self.subTest(filters):
                of_session = telnyx.rooms.sessions.retrieve_participants(self.ended, filter=filters, page_size=1)
                self.assertEqual([each.id for each in of_session], expected)
                of_all = telnyx.room_participants.list(filter={**filters, "session_id": self.ended})
                self.assertEqual([each.id for each in of_all], expected)

    def test_participant_is_retrieved(self):
        gone = telnyx.room_participants.retrieve(self.past[0].id).data
        self.assertEqual((gone.session_id, gone.context), (self.ended, '{"role":"host"}'))
        self.assertLessEqual(gone.joined_at, gone.left_at)
        self.assertIsNone(telnyx.room_participants.retrieve(self.present.id).data.left_at)

    def test_unknown_is_not_found(self):
        for ask in (
            telnyx.rooms.sessions.retrieve,
            telnyx.rooms.sessions.retrieve_participants,
            telnyx.rooms.sessions.list_1,
            telnyx.room_participants.retrieve,
        ):
            with self.subTest(ask), self.assertRaises(sdk.NotFoundError):
                ask(NOBODY)
