/** A text message, passed on as it was sent. */
export interface Message {
  type: "text";
  payload: string;
  meta?: Record<string, unknown>;
}
