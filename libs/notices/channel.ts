/** What a channel says of a message that it has taken. */
export interface Taken {
  /** By which the other side knows it. */
  messageId: string;
  /** True when it was not only taken on the way but has arrived. */
  delivered?: true;
}

export class NotDelivered extends Error {
  override readonly name = 'NotDelivered';

  constructor(
    /** `rejected` and `gone` are for ever, `unreachable` may pass. */
    readonly reason: 'rejected' | 'gone' | 'unreachable',
    cause: Error,
  ) {
    super(cause.message, { cause });
  }
}

/** Patience with another's server, in milliseconds. */
export const ANSWER_MS = 10_000;

/** A request whose answer is looked at as a whole. Redirects are not followed: they would take what is told elsewhere. @throws NotDelivered `unreachable` */
export async function asked(
  url: string,
  init: RequestInit,
  patienceMs = ANSWER_MS,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(patienceMs) });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    // What fetch says is "fetch failed"; why, is its cause's to say. The address may hold a secret and is not named.
    const { cause, message } = error as Error;
    throw new NotDelivered('unreachable', new Error((cause as Error | undefined)?.message || message));
  }
}
