declare const __VERSION__: string;

/** The version of this SDK. */
export const version: string = __VERSION__;
