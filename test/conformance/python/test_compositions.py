import unittest

import telnyx as sdk
from harness import NOBODY, TOMORROW, Participant, create_room, record, telnyx


class Compositions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        someone = Participant.join(create_room())
        cls.session = someone.session
        (cls.picture,) = record(someone.session, someone.id, "-type", "video")
        someone.leave()

    def ids(self, **filters):
        listed = telnyx.room_compositions.list(filter={"session_id": self.session, **filters}, page_size=1)
        return [each.id for each in listed]

    def test_enqueued_by_defaults_and_with_every_field(self):
        usual = telnyx.room_compositions.create(session_id=self.session).data
        self.assertEqual((usual.record_type, usual.status), ("room_composition", "enqueued"))
        self.assertEqual((usual.session_id, usual.format, usual.resolution), (self.session, "mp4", "1280x720"))
        region = {"x_pos": 10, "y_pos": 20, "z_pos": 1, "width": 320, "height": 240, "video_sources": [self.picture]}
        own = telnyx.room_compositions.create(
            session_id=self.session,
            format="mp4",
            resolution="800x600",
            video_layout={"left": region},
            webhook_event_url="https://example.com/done",
            webhook_event_failover_url="https://example.org/done",
            webhook_timeout_secs=4,
        ).data
        again = telnyx.room_compositions.retrieve(own.id).data
        self.assertEqual((again.resolution, again.webhook_timeout_secs), ("800x600", 4))
        self.assertEqual(again.video_layout["left"].to_dict(), region | again.video_layout["left"].to_dict())

    def test_every_filter_chooses(self):
        everything = [telnyx.room_compositions.create(session_id=self.session).data.id for _ in range(2)][::-1]
        self.assertEqual(self.ids()[:2], everything)
        self.assertEqual(self.ids(status="completed"), [])
        self.assertEqual(self.ids(date_created_at={"lte": TOMORROW})[:2], everything)
        self.assertEqual(self.ids(date_created_at={"gte": TOMORROW}), [])

    def test_deleted_is_gone(self):
        made = telnyx.room_compositions.create(session_id=self.session).data.id
        telnyx.room_compositions.delete(made)
        for ask in (telnyx.room_compositions.retrieve, telnyx.room_compositions.delete):
            with self.subTest(ask), self.assertRaises(sdk.NotFoundError):
                ask(made)

    def test_all_faults_are_told_at_once(self):
        with self.assertRaises(sdk.UnprocessableEntityError) as caught:
            telnyx.room_compositions.create(
                session_id=self.session, format="avi", resolution="9x9", webhook_timeout_secs=31
            )
        pointers = {fault["source"]["pointer"] for fault in caught.exception.body["errors"]}
        self.assertEqual(pointers, {"/format", "/resolution", "/webhook_timeout_secs"})

    def test_what_does_not_exist_is_pointed_at(self):
        layout = {"main": {"video_sources": [NOBODY]}}
        for fields, pointer in (
            ({"session_id": NOBODY}, "/session_id"),
            ({"session_id": self.session, "video_layout": layout}, "/video_layout/main/video_sources/0"),
        ):
            with self.subTest(fields), self.assertRaises(sdk.UnprocessableEntityError) as caught:
                telnyx.room_compositions.create(**fields)
            (fault,) = caught.exception.body["errors"]
            self.assertEqual((fault["code"], fault["source"]), ("10017", {"pointer": pointer}))
