import unittest

import telnyx as sdk
from harness import NOBODY, TOMORROW, Participant, create_room, record, telnyx


class Recordings(unittest.TestCase):
    def setUp(self):
        self.room = create_room()
        someone = Participant.join(self.room)
        self.session, self.participant = someone.session, someone.id
        self.audio = record(someone.session, someone.id, "-type", "audio", "-count", "3", "-seconds", "90")
        self.running = record(someone.session, someone.id, "-type", "video", "-status", "processing")
        someone.leave()

    def ids(self, **filters):
        return sorted(each.id for each in telnyx.room_recordings.list(filter=filters, page_size=2))

    def test_retrieved_with_every_field(self):
        data = telnyx.room_recordings.retrieve(self.audio[0]).data
        self.assertEqual((data.record_type, data.id, data.status), ("room_recording", self.audio[0], "completed"))
        self.assertEqual((data.room_id, data.session_id, data.participant_id), (self.room, self.session, self.participant))
        self.assertEqual((data.type, data.codec, data.duration_secs), ("audio", "opus", 90))
        self.assertIsInstance(data.size_mb, float)
        for moment in (data.started_at, data.ended_at, data.completed_at, data.created_at, data.updated_at):
            self.assertIsNotNone(moment)
        with self.assertRaises(sdk.NotFoundError):
            telnyx.room_recordings.retrieve(NOBODY)

    def test_every_filter_chooses(self):
        both, done = sorted(self.audio + self.running), sorted(self.audio)
        of_session = {"session_id": self.session}
        for filters, expected in (
            (of_session, both),
            ({"room_id": self.room}, both),
            ({"participant_id": self.participant}, both),
            ({**of_session, "status": "completed"}, done),
            ({**of_session, "status": "processing"}, self.running),
            ({**of_session, "type": "audio"}, done),
            ({**of_session, "duration_secs": 90}, done),
            ({**of_session, "duration_secs": 91}, []),
            ({**of_session, "date_started_at": {"gte": TOMORROW}}, []),
            ({**of_session, "date_started_at": {"lte": TOMORROW}}, both),
            ({**of_session, "date_ended_at": {"lte": TOMORROW}}, done),
        ):
            with self.subTest(filters):
                self.assertEqual(self.ids(**filters), expected)

    def test_one_is_deleted_and_a_running_one_is_not(self):
        telnyx.room_recordings.delete(self.audio[0])
        with self.assertRaises(sdk.NotFoundError):
            telnyx.room_recordings.retrieve(self.audio[0])
        with self.assertRaises(sdk.UnprocessableEntityError):
            telnyx.room_recordings.delete(self.running[0])

    def test_many_are_deleted_by_a_filter_and_never_all_by_mistake(self):
        with self.assertRaises(sdk.UnprocessableEntityError):
            telnyx.room_recordings.delete_bulk()
        answer = telnyx.room_recordings.delete_bulk(filter={"session_id": self.session})
        self.assertEqual(answer.data.room_recordings, 3)
        self.assertEqual(self.ids(session_id=self.session), self.running)
