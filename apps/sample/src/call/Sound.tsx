import type { State } from "@rotunda/video";
import { IconVolume } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

export interface Sound {
  blocked: boolean;
  unblock(): void;
}

/** Plays the sound of every remote stream, each through an element of its own, on the chosen speaker. */
export function useSound(state: State | null, speaker: string | undefined): Sound {
  const players = useRef(new Map<string, HTMLAudioElement>());
  const [blocked, setBlocked] = useState(false);

  useEffect(() => {
    const wanted = new Map<string, MediaStreamTrack>();
    for (const stream of state?.streams.values() ?? []) {
      if (stream.origin === "remote" && stream.audioTrack) wanted.set(stream.id, stream.audioTrack);
    }
    for (const [id, player] of players.current) {
      if (!wanted.has(id)) {
        silence(player);
        players.current.delete(id);
      }
    }
    for (const [id, track] of wanted) {
      const player = players.current.get(id) ?? new Audio();
      players.current.set(id, player);
      if (trackOf(player) !== track) {
        player.srcObject = new MediaStream([track]);
        void play(player).then((allowed) => allowed || setBlocked(true));
      }
      void sendTo(player, speaker);
    }
  }, [state, speaker]);

  useEffect(() => {
    const all = players.current;
    return () => {
      for (const player of all.values()) silence(player);
      all.clear();
    };
  }, []);

  const unblock = () => {
    setBlocked(false);
    for (const player of players.current.values()) {
      void play(player).then((allowed) => allowed || setBlocked(true));
    }
  };
  return { blocked, unblock };
}

/** The one button for browsers that want a click before there is sound. */
export function SoundBlocked({ sound }: { sound: Sound }) {
  if (!sound.blocked) return null;
  return (
    <div className="banner" data-kind="warning" role="status">
      <span>Your browser holds back the sound.</span>
      <button type="button" className="banner-button" onClick={sound.unblock}>
        <IconVolume size={16} aria-hidden="true" />
        Turn on sound
      </button>
    </div>
  );
}

/** Plays; false when the browser forbids it before the user did something. */
async function play(player: HTMLAudioElement): Promise<boolean> {
  try {
    await player.play();
    return true;
  } catch (error) {
    return (error as { name?: string }).name !== "NotAllowedError";
  }
}

function trackOf(player: HTMLAudioElement): MediaStreamTrack | undefined {
  return player.srcObject instanceof MediaStream ? player.srcObject.getAudioTracks()[0] : undefined;
}

function silence(player: HTMLAudioElement): void {
  player.pause();
  player.srcObject = null;
}

async function sendTo(player: HTMLAudioElement, speaker: string | undefined): Promise<void> {
  if (speaker === undefined || !("setSinkId" in player) || player.sinkId === speaker) return;
  // A speaker that is gone leaves the sound on the default one.
  await player.setSinkId(speaker).catch(() => undefined);
}
