export type Colour = readonly [red: number, green: number, blue: number];

/** Who takes part: what their camera shows and their microphone hears. */
export interface Person {
  readonly name: string;
  /** Of the left and the right half of their picture. A band of noise runs through the middle. */
  readonly left: Colour;
  readonly right: Colour;
  /** Of their tone, in Hz. */
  readonly pitch: number;
  /** They sound for so many seconds, and are silent for as many; without it they sound all the time. */
  readonly phrase?: number;
  readonly width: number;
  readonly height: number;
}

const small = { width: 640, height: 360 };

export const ada: Person = { name: "Ada", left: [190, 50, 45], right: [40, 70, 130], pitch: 440, ...small };
export const bo: Person = { name: "Bo", left: [50, 150, 80], right: [170, 150, 40], pitch: 660, ...small };
export const cy: Person = { name: "Cy", left: [120, 60, 160], right: [60, 150, 160], pitch: 1000, ...small };
/** Has a camera large enough for three simulcast layers. */
export const dee: Person = {
  name: "Dee",
  left: [200, 120, 40],
  right: [60, 60, 70],
  pitch: 550,
  width: 1280,
  height: 720,
};
/** Speaks for four seconds, then is silent for four. */
export const eve: Person = {
  name: "Eve",
  left: [90, 90, 30],
  right: [150, 40, 90],
  pitch: 780,
  phrase: 4,
  ...small,
};
/** Refuses camera and microphone. */
export const shy: Person = { name: "Shy", left: [0, 0, 0], right: [0, 0, 0], pitch: 0, width: 0, height: 0 };

/** Uses a browser that holds back sound until the page was touched, and refuses camera and microphone. */
export const wary: Person = { ...shy, name: "Wary" };

/** The colour of the page that is shared. */
export const desk: Colour = [30, 140, 200];

export const filmed = [ada, bo, cy, dee, eve];
