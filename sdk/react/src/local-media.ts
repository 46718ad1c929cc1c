import {
  type DeviceKind,
  LocalMedia,
  type LocalMediaOptions,
  type LocalMediaState,
  type PublicationOptions,
  RoomError,
  type ScreenOptions,
} from "@rotunda/video";
import { useCallback, useContext, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { RoomContext } from "./context.js";

/** What went wrong, if anything did. */
export type Failure = RoomError | undefined;

/** What `useLocalMedia` takes. */
export interface UseLocalMediaOptions extends LocalMediaOptions {
  /** Devices that live longer than this component. It makes its own otherwise, and closes them when it goes. */
  media?: LocalMedia;
  /** Publishes in the room of the `RoomProvider` around, `true` or with options. False by default. */
  publish?: boolean | PublicationOptions;
}

/** The user's devices and what can be done with them. The actions never reject: they resolve with the failure, if there was one. */
export interface LocalMediaControls extends LocalMediaState {
  /** Opens microphone and camera, both unless said otherwise. */
  open(wanted?: { microphone?: boolean; camera?: boolean }): Promise<Failure>;
  /** Opens or unmutes the microphone, or mutes it. */
  setMicrophone(on: boolean): Promise<Failure>;
  /** Opens the camera, or closes it. */
  setCamera(on: boolean): Promise<Failure>;
  /** Captures with another device from now on. */
  choose(kind: DeviceKind, deviceId: string): Promise<Failure>;
  /** Goes on to the camera on the other side of a phone, or to the next one. */
  flipCamera(): Promise<Failure>;
  /** Asks the user what to share; call it in the listener of a click. */
  shareScreen(options?: ScreenOptions): Promise<Failure>;
  /** Stops sharing. */
  stopScreen(): Promise<Failure>;
}

const off = { on: false, starting: false, interrupted: false };
const idle: LocalMediaState = {
  microphone: off,
  camera: off,
  devices: { audioinput: [], videoinput: [], audiooutput: [] },
  chosen: {},
};
const nothing = () => () => {};

/** Microphone, camera and screen of the user. Options other than `media` and `publish` count when the component appears. */
export function useLocalMedia(options: UseLocalMediaOptions = {}): LocalMediaControls {
  const media = useOwnedMedia(options);
  usePublication(media, options.publish ?? false);
  const state = useSyncExternalStore(
    useCallback((changed: () => void) => media?.on("changed", changed) ?? nothing(), [media]),
    () => media?.getState() ?? idle,
    () => idle,
  );
  const actions = useMemo(() => actionsOf(media), [media]);
  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}

function useOwnedMedia({
  media: given,
  publish: _,
  ...options
}: UseLocalMediaOptions): LocalMedia | undefined {
  const [own, setOwn] = useState<LocalMedia>();
  const first = useRef(options);
  useEffect(() => {
    if (given) return;
    const made = new LocalMedia(first.current);
    setOwn(made);
    return () => made.close();
  }, [given]);
  return given ?? own;
}

function usePublication(media: LocalMedia | undefined, publish: boolean | PublicationOptions): void {
  const room = useContext(RoomContext);
  const options = useRef(publish);
  useEffect(() => {
    options.current = publish;
  });
  const isWanted = publish !== false;
  useEffect(() => {
    if (!media || !room || !isWanted) return;
    const given = options.current;
    const publication = media.publish(room, typeof given === "object" ? given : {});
    return () => void publication.stop();
  }, [media, room, isWanted]);
}

function actionsOf(media: LocalMedia | undefined): Omit<LocalMediaControls, keyof LocalMediaState> {
  const act = async (work: (media: LocalMedia) => Promise<void> | void): Promise<Failure> => {
    if (!media) return new RoomError("invalid_state", "the component has not appeared yet");
    try {
      await work(media);
    } catch (error) {
      return error as RoomError;
    }
  };
  return {
    open: (wanted) => act((media) => media.open(wanted)),
    setMicrophone: (on) => act((media) => media.setMicrophone(on)),
    setCamera: (on) => act((media) => media.setCamera(on)),
    choose: (kind, deviceId) => act((media) => media.choose(kind, deviceId)),
    flipCamera: () => act((media) => media.flipCamera()),
    shareScreen: (options) => act((media) => media.shareScreen(options)),
    stopScreen: () => act((media) => media.stopScreen()),
  };
}
