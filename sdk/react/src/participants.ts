import type { Participant } from "@rotunda/video";
import { useEffect, useMemo, useState } from "react";
import { useRoom } from "./context.js";
import { useRoomEvent, useRoomState } from "./state.js";

/** Who is in the room: this client first, the others in the order they came. `local: false` leaves this client out. */
export function useParticipants({ local = true }: { local?: boolean } = {}): readonly Participant[] {
  const participants = useRoomState((state) => state.participants);
  return useMemo(() => {
    const all = [...participants.values()];
    const own = local ? all.filter(({ origin }) => origin === "local") : [];
    return [...own, ...all.filter(({ origin }) => origin !== "local")];
  }, [participants, local]);
}

/** A participant by id; undefined once it has left. */
export function useParticipant(participantId: string | undefined): Participant | undefined {
  return useRoomState(({ participants }) =>
    participantId === undefined ? undefined : participants.get(participantId),
  );
}

/** This client. */
export function useLocalParticipant(): Participant {
  return useRoomState(
    ({ participants, localParticipantId }) => participants.get(localParticipantId) as Participant,
  );
}

/** The ids of those who are speaking now, who began first first. */
export function useSpeakers(): readonly string[] {
  const room = useRoom();
  const ownId = useRoomState((state) => state.localParticipantId);
  const [speakers, setSpeakers] = useState<readonly string[]>([]);
  const speaks = (id: string) => setSpeakers((now) => (now.includes(id) ? now : [...now, id]));
  const stops = (id: string) => setSpeakers((now) => without(now, id));
  useRoomEvent("audio_activity", speaks);
  useRoomEvent("audio_activity_ended", stops);
  useRoomEvent("participant_left", stops);
  useRoomEvent("disconnected", () => setSpeakers([]));
  // Who entered again is somebody else, and nobody tells that the one before is silent.
  useEffect(() => () => setSpeakers((now) => without(now, ownId)), [ownId]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another room has other speakers
  useEffect(() => setSpeakers([]), [room]);
  return speakers;
}

function without(ids: readonly string[], id: string): readonly string[] {
  return ids.includes(id) ? ids.filter((one) => one !== id) : ids;
}

/** The participant who has the word: who is heard speaking, or the last who was. May be this client. */
export function useDominantSpeaker(): Participant | undefined {
  return useParticipant(useRoomState((state) => state.dominantSpeakerId) ?? undefined);
}
