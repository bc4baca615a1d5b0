/** Random numbers of a seed. */
export class Dice {
  constructor(private state: number) {}

  /** An integer from 0 to `most`. (mulberry32) */
  upTo(most: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (most + 1));
  }

  of<T>(...choices: T[]): T {
    return choices[this.upTo(choices.length - 1)]!;
  }
}
