/** Takes one line of progress for people, without a line break. */
export type Log = (line: string) => void;
