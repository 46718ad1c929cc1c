import { AudioRenderer, RoomProvider, StartAudio } from "@rotunda/react";
import type { Room } from "@rotunda/video";
import { IconVolume } from "@tabler/icons-react";
import { useEffect } from "react";

interface Props {
  room: Room | null;
  blocked: boolean;
  speaker: string | undefined;
}

/** Plays everybody on the chosen speaker; where the browser wants a click before there is sound, it offers one. */
export function Sound({ room, blocked, speaker }: Props) {
  useEffect(() => {
    if (!room || speaker === undefined) return;
    // A speaker that is gone, or a browser that offers no choice, leaves the sound on the default one.
    room.setAudioOutput(speaker).catch(() => undefined);
  }, [room, speaker]);
  if (!room) return null;
  return (
    <RoomProvider room={room}>
      <AudioRenderer />
      {blocked && (
        <div className="banner" data-kind="warning" role="status">
          <span>Your browser holds back the sound.</span>
          <StartAudio className="banner-button">
            <IconVolume size={16} aria-hidden="true" />
            Turn on sound
          </StartAudio>
        </div>
      )}
    </RoomProvider>
  );
}
