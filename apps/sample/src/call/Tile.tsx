import { IconLock, IconMicrophoneOff, IconScreenShare, IconVideoOff, IconWifiOff } from "@tabler/icons-react";
import { type CSSProperties, memo, useCallback } from "react";
import type { Devices } from "../devices/capture";
import type { Rect } from "../grid/layout";
import { useStore } from "../ui/store";
import { Video } from "../ui/Video";
import type { Call } from "./conversation";
import type { TileSpec } from "./people";
import { portraitOf } from "./portrait";

interface Props {
  tile: TileSpec;
  rect: Rect;
  /** Lies over another tile. */
  over: boolean;
  speaking: boolean;
  devices: Devices;
  /** One's own captured screen. */
  screen: MediaStream | null;
  /** Shows a remote stream in an element. */
  attach: Call["attach"];
  onUnshare: () => void;
}

export const Tile = memo(function Tile(props: Props) {
  const { tile, rect, over, speaking, devices, screen, attach, onUnshare } = props;
  const { camera, microphone } = useStore(devices.view);
  const own = tile.local && tile.kind === "person";
  const sign =
    own && tile.microphone !== "censored"
      ? microphone.on && microphone.track
        ? "on"
        : "muted"
      : tile.microphone;
  const track = own
    ? camera.track
    : tile.local && screen
      ? (screen.getVideoTracks()[0] ?? null)
      : remoteTrack(tile);
  const { participantId, key, local } = tile;
  const attachTo = useCallback(
    (video: HTMLVideoElement) => (local ? undefined : attach(participantId, key, video)),
    [attach, participantId, key, local],
  );
  const small = rect.width < 200 || rect.height < 110;
  const muted = tile.kind === "person" && sign !== "on";
  const place = {
    transform: `translate(${rect.x}px, ${rect.y}px)`,
    width: rect.width,
    height: rect.height,
  } satisfies CSSProperties;

  return (
    <li
      className="tile"
      style={place}
      aria-label={spoken(tile, muted ? sign : "on", speaking)}
      data-testid={`tile-${tile.participantId}`}
      data-key={tile.key}
      data-kind={tile.kind}
      data-speaking={speaking}
      data-muted={muted}
      data-local={tile.local}
      data-over={over}
      data-small={small}
    >
      <div className="tile-picture">
        <Portrait tile={tile} small={small} />
        {track && (
          <Video
            key={track.id}
            track={track}
            attach={attachTo}
            mirrored={own && track.getSettings?.().facingMode !== "environment"}
            fit={tile.kind === "screen" ? "contain" : "cover"}
            label={tile.kind === "screen" ? `Screen of ${tile.name}` : `Picture of ${tile.name}`}
          />
        )}
        <div className="tile-words">
          <span className="tile-name">{caption(tile)}</span>
          {muted && <MicrophoneSign sign={sign} />}
          {tile.videoCensored && <IconVideoOff size={16} aria-label="Picture stopped by a moderator" />}
          {tile.videoPaused && (
            <span className="sign" data-sign="paused" title="Picture paused: the network is too slow">
              <IconWifiOff size={16} aria-label="Picture paused: the network is too slow" />
            </span>
          )}
        </div>
        {tile.local && tile.kind === "screen" && (
          <button type="button" className="tile-button" onClick={onUnshare}>
            Stop sharing
          </button>
        )}
      </div>
      <div className="tile-ring" />
    </li>
  );
});

function Portrait({ tile, small }: { tile: TileSpec; small: boolean }) {
  if (tile.kind === "screen") {
    return (
      <span className="portrait screen" aria-hidden="true">
        <IconScreenShare size={small ? 24 : 40} />
      </span>
    );
  }
  const { initials, hue } = portraitOf(tile.participantId, tile.name);
  return (
    <span className="portrait" style={{ "--hue": hue } as CSSProperties} aria-hidden="true">
      {initials}
    </span>
  );
}

function MicrophoneSign({ sign }: { sign: TileSpec["microphone"] }) {
  if (sign === "censored") {
    return (
      <span className="sign" data-sign="censored" title="Muted by a moderator">
        <IconLock size={14} aria-hidden="true" />
        <span className="sign-words">Muted by a moderator</span>
      </span>
    );
  }
  return (
    <span className="sign" data-sign="muted" title="Muted">
      <IconMicrophoneOff size={16} aria-hidden="true" />
    </span>
  );
}

function remoteTrack({ stream }: TileSpec): MediaStreamTrack | null {
  return stream?.isVideoEnabled && !stream.isVideoCensored ? (stream.videoTrack ?? null) : null;
}

function caption(tile: TileSpec): string {
  if (tile.kind === "screen") return tile.local ? "Your screen" : `${tile.name}'s screen`;
  if (tile.local) return `${tile.name} (you)`;
  return tile.kind === "extra" ? `${tile.name}, ${tile.key}` : tile.name;
}

function spoken(tile: TileSpec, sign: TileSpec["microphone"], speaking: boolean): string {
  if (tile.kind === "screen") return caption(tile);
  const silent = sign === "censored" ? ", muted by a moderator" : sign === "on" ? "" : ", muted";
  const state = speaking ? ", speaking" : silent;
  return `${caption(tile)}${state}`;
}
