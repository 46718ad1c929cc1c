interface Props {
  size?: number;
  /** Draws itself over and over: something is being waited for. */
  loading?: boolean;
}

export function Mark({ size = 24, loading = false }: Props) {
  return (
    <svg
      className={loading ? "mark loading" : "mark"}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      aria-hidden="true"
    >
      <circle cx="12" cy="12" r="10" pathLength="1" />
      <circle cx="12" cy="8" r="3" pathLength="1" />
    </svg>
  );
}
