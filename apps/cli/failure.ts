/** What stops a command of the CLI and is not its fault: shown as a sentence, without a stack. */
export class Failure extends Error {
  override readonly name = 'Failure';
}
