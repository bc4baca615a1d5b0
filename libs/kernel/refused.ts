export interface FieldError {
  /** Where, as a path from the body's root: `obligations[0].term.workingDays`. */
  path: string;
  reason: string;
}

/**
 * The one way to say no. `code` is kebab-case and stable: clients and simulations are written against it.
 * Whatever else is thrown is a bug or an outage.
 */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly code: string,
    message: string,
    readonly status: 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 429 = 422,
    readonly errors: readonly FieldError[] = [],
  ) {
    super(message);
  }

  static invalid(message: string, errors: readonly FieldError[] = []): Refused {
    return new Refused('invalid', message, 400, errors);
  }
  static forbidden(message: string, code = 'forbidden'): Refused {
    return new Refused(code, message, 403);
  }
  static notFound(message: string): Refused {
    return new Refused('not-found', message, 404);
  }
}

/** The log cannot be reached, or did not answer in time. Nothing is known to be lost; ask again. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** Somebody appended first. The handler loads again and decides again. */
export class WrongRevision extends Error {
  override readonly name = 'WrongRevision';

  constructor(
    readonly stream: string,
    readonly expected: number,
  ) {
    super(`${stream} is not at revision ${expected}`);
  }
}
