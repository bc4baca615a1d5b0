const WIDTH = 30;

/** How far long work has come, on stderr: a bar on a terminal, a line at each tenth elsewhere. */
export class Progress {
  private shown = -1;

  constructor(
    private readonly label: string,
    private readonly total: number,
    private readonly out: { isTTY?: boolean; write(text: string): unknown } = process.stderr,
  ) {}

  update(done: number): void {
    const part = this.total === 0 ? 1 : done / this.total;
    const step = Math.floor(part * (this.out.isTTY ? 100 : 10));
    if (step === this.shown && done < this.total) return;
    this.shown = step;
    const counts = `${done}/${this.total}`;
    if (!this.out.isTTY) {
      this.out.write(`${this.label} ${counts}\n`);
      return;
    }
    const full = Math.round(part * WIDTH);
    const end = done >= this.total ? '\n' : '';
    this.out.write(`\r${this.label} [${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}] ${counts}${end}`);
  }
}
