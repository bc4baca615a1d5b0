import type { Instant, Position } from '#kernel';

/**
 * What is to be printed, in the order in which it is read: Persian, Jalali dates, Persian digits. The same is given as
 * JSON, so whoever wants another layout need not ask the log again.
 */
export interface PrintedDocument {
  title: string;
  /** What it is filed under: `۹` of the ninth session, a letter's number, an obligation's. */
  number: string;
  /** The last event that it knows of. One position, one document: to the byte. */
  standsFor: { position: Position; at: Instant };
  blocks: Block[];
}

export type Block =
  | { heading: string }
  | { text: string }
  /** Sentences, each on a line of its own. */
  | { lines: string[] }
  | { facts: [label: string, value: string][] }
  /** `shares` are the widths of the columns, relative to each other. */
  | { table: { columns: string[]; shares: number[]; rows: string[][] } };
