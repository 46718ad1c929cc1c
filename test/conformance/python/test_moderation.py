import unittest

import telnyx as sdk
from harness import NOBODY, Participant, create_room, telnyx, token_for, until

actions = telnyx.rooms.sessions.actions


class Moderation(unittest.TestCase):
    def setUp(self):
        self.room = create_room()
        self.speaker = Participant.join(self.room, audio=True)
        self.listener = Participant.join(self.room)
        self.session = self.speaker.session

    def tearDown(self):
        telnyx.rooms.delete(self.room)

    def assert_changed(self, answer, *participants: Participant):
        self.assertEqual(answer.data.result, "ok")
        self.assertEqual(set(answer.data.participants), {someone.id for someone in participants})

    def test_mute_and_unmute_reach_everyone(self):
        for action, censored in ((actions.mute, True), (actions.unmute, False)):
            self.assert_changed(action(self.session, participants=[self.speaker.id]), self.speaker)
            for someone in (self.speaker, self.listener):
                stream = someone.notice("stream_updated")["stream"]
                self.assertEqual((stream["participant_id"], stream["audio"]["censored"]), (self.speaker.id, censored))

    def test_all_but_some_are_muted(self):
        answer = actions.mute(self.session, participants="all", exclude=[self.speaker.id])
        self.assert_changed(answer, self.listener)

    def test_kicked_token_opens_no_door_again(self):
        token = token_for(self.room)
        victim = Participant.join(self.room, token=token)
        self.assert_changed(actions.kick(self.session, participants=[victim.id]), victim)
        closed = victim.closed()
        self.assertEqual((closed["code"], closed["reason"]), (4001, "kicked"))
        again = Participant(self.room, token=token).closed()
        self.assertEqual((again["code"], again["reason"]), (4401, "unauthorized"))
        self.assertEqual(telnyx.room_participants.retrieve(victim.id).data.left_reason, "kicked")
        self.assertEqual(Participant.join(self.room).session, self.session)  # a token made later works

    def test_session_is_ended_once(self):
        self.assertEqual(actions.end(self.session).data.result, "ok")
        for someone in (self.speaker, self.listener):
            closed = someone.closed()
            self.assertEqual((closed["code"], closed["reason"]), (4000, "session_ended"))
        until("the session has ended", lambda: not telnyx.rooms.sessions.retrieve(self.session).data.active)
        with self.assertRaises(sdk.UnprocessableEntityError):
            actions.end(self.session)
        with self.assertRaises(sdk.UnprocessableEntityError):
            actions.mute(self.session, participants="all")

    def test_unknown_participant_is_pointed_at(self):
        with self.assertRaises(sdk.UnprocessableEntityError) as caught:
            actions.kick(self.session, participants=[self.speaker.id, NOBODY])
        (fault,) = caught.exception.body["errors"]
        self.assertEqual((fault["code"], fault["source"]), ("10017", {"pointer": "/participants/1"}))
        self.assert_changed(actions.mute(self.session, participants=[self.speaker.id]), self.speaker)

    def test_unknown_session_is_not_found(self):
        for action in (actions.kick, actions.mute, actions.unmute):
            with self.subTest(action), self.assertRaises(sdk.NotFoundError):
                action(NOBODY, participants="all")
        with self.assertRaises(sdk.NotFoundError):
            actions.end(NOBODY)

    def test_whom_a_moderator_means_must_be_said(self):
        with self.assertRaises(sdk.UnprocessableEntityError) as caught:
            actions.kick(self.session)
        (fault,) = caught.exception.body["errors"]
        self.assertEqual(fault["source"], {"pointer": "/participants"})
