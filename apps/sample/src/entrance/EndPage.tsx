import { Mark } from "@rotunda/theme/Mark";
import { type Ending, endingWords } from "../call/ending";

interface Props {
  ending: Ending;
  onRejoin: () => void;
}

/** After the call: why it ended and what one can do. */
export function EndPage({ ending, onRejoin }: Props) {
  const { title, text, again } = endingWords[ending];
  const wrong = ending !== "left";
  return (
    <main className="page end">
      <Mark size={40} />
      <div role={wrong ? "alert" : "status"} {...(wrong && { "data-testid": "error" })} data-ending={ending}>
        <h1>{title}</h1>
        <p className="lead">{text}</p>
      </div>
      <div className="actions">
        {again && (
          // biome-ignore lint/a11y/noAutofocus: the one thing to do on this page
          <button type="button" className="button primary" data-testid="rejoin" autoFocus onClick={onRejoin}>
            {ending === "left" ? "Rejoin" : "Try again"}
          </button>
        )}
        <a className="button" href="/">
          Start page
        </a>
      </div>
    </main>
  );
}
