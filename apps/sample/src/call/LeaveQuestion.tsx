import { Popover } from "./Popover";

interface Props {
  onLeave: () => void;
  onStay: () => void;
}

export function LeaveQuestion({ onLeave, onStay }: Props) {
  return (
    <Popover label="Leave the call?" className="right" onClose={onStay}>
      <p className="popover-title">Leave the call?</p>
      <div className="actions">
        <button type="button" className="button danger" onClick={onLeave}>
          Leave
        </button>
        <button type="button" className="button" onClick={onStay}>
          Stay
        </button>
      </div>
    </Popover>
  );
}
