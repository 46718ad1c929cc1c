import { IconSend2 } from "@tabler/icons-react";
import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useStore } from "../ui/store";
import { type ChatEntry, chatLimit } from "./chat";
import type { Call } from "./conversation";
import { type Person, peopleOf } from "./people";
import { hueOf } from "./portrait";

interface Props {
  call: Call;
}

export function ChatPanel({ call }: Props) {
  const { chat, state } = useStore(call.view);
  const list = useRef<HTMLOListElement>(null);
  const others = state ? peopleOf(state).filter((person) => !person.local) : [];

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new message scrolls into view
  useEffect(() => {
    const end = list.current;
    if (end) end.scrollTop = end.scrollHeight;
  }, [chat.next]);

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard must be able to scroll it */}
      <ol className="panel-body messages" ref={list} aria-label="Messages" tabIndex={0}>
        {chat.dropped > 0 && (
          <li className="panel-note">Only the last {chatLimit.toLocaleString("en")} messages are kept.</li>
        )}
        {chat.entries.length === 0 && (
          <li className="panel-note">No messages yet. Those who come later do not see earlier ones.</li>
        )}
        {chat.entries.map((entry, at) => (
          <Message key={entry.id} entry={entry} follows={follows(chat.entries[at - 1], entry)} />
        ))}
      </ol>
      <Composer call={call} others={others} />
    </>
  );
}

/** Whether a message goes on where the one before stopped, so that its head need not be repeated. */
function follows(before: ChatEntry | undefined, entry: ChatEntry): boolean {
  return (
    before !== undefined &&
    before.from === entry.from &&
    before.to === entry.to &&
    entry.at - before.at < 60_000
  );
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

function Message({ entry, follows: continued }: { entry: ChatEntry; follows: boolean }) {
  return (
    <li
      className="message"
      data-testid="chat-message"
      data-own={entry.own}
      data-private={entry.to !== null}
      data-follows={continued}
    >
      {!continued && (
        <p className="message-head">
          <span className="message-name" style={{ "--hue": hueOf(entry.from) } as React.CSSProperties}>
            {entry.own ? "You" : entry.name}
          </span>
          {entry.to !== null && (
            <span className="private">{entry.own ? `to ${entry.to}` : "to you alone"}</span>
          )}
          <time dateTime={new Date(entry.at).toISOString()}>{clock.format(entry.at)}</time>
        </p>
      )}
      <p className="message-text">{entry.text}</p>
      {!entry.delivered && (
        <p className="complaint">Not delivered: {entry.to} receives no messages or has left.</p>
      )}
    </li>
  );
}

function Composer({ call, others }: { call: Call; others: Person[] }) {
  const [text, setText] = useState("");
  const [to, setTo] = useState("");
  const [complaint, setComplaint] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  const ids = useId();
  const recipient = others.find((person) => person.id === to);
  const gone = to !== "" && !recipient;

  const send = async () => {
    if (text.trim() === "" || sending || gone) return;
    setSending(true);
    const failure = await call.send(text, recipient?.id ?? null);
    setSending(false);
    setComplaint(failure);
    if (failure === null) setText("");
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // During composition Enter accepts a word (Japanese, Chinese, Korean).
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };

  return (
    <form className="composer" onSubmit={submit}>
      <div className="composer-to">
        <label htmlFor={`${ids}to`}>To</label>
        <select
          id={`${ids}to`}
          className="select"
          data-testid="chat-recipient"
          value={to}
          onChange={(event) => setTo(event.target.value)}
        >
          <option value="">Everybody</option>
          {gone && <option value={to}>Someone who left</option>}
          {others.map((person) => (
            <option key={person.id} value={person.id} disabled={!person.canReceiveMessages}>
              {person.name}
              {person.canReceiveMessages ? "" : " (receives no messages)"}
            </option>
          ))}
        </select>
      </div>
      <div className="composer-text">
        <textarea
          className="input"
          data-testid="chat-input"
          rows={1}
          aria-label={recipient ? `Message to ${recipient.name}` : "Message to everybody"}
          placeholder={recipient ? `Message to ${recipient.name}` : "Message to everybody"}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <button
          type="submit"
          className="icon-button filled"
          data-testid="chat-send"
          aria-label="Send"
          disabled={text.trim() === "" || sending || gone}
        >
          <IconSend2 size={20} aria-hidden="true" />
        </button>
      </div>
      {complaint && (
        <p className="complaint" role="alert">
          {complaint}
        </p>
      )}
    </form>
  );
}
