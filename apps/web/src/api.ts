import { useCallback, useEffect, useRef, useState } from 'react';
import type { Actor, FieldError } from '#kernel';
import type { Speech } from './language.js';
import { onDay, usePast, type Moment } from './past.js';

/** An answer that is not what was asked for: a refusal with its stable code, or no answer at all (`offline`). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: readonly FieldError[] = [],
  ) {
    super(message);
  }
}

export type Me = Pick<Actor, 'id' | 'role' | 'agency' | 'unit'> & { province: string };

/** The log's position after the last command of this page: reads wait for it, so that nobody misses their own change. */
let seen = '';
const listeners = new Set<() => void>();

let asking = 0;
/** Whether an answer is waited for. */
export const isAsking = (): boolean => asking > 0;

/** The answer as it comes. @throws Refusal */
export async function fetched(path: string, init?: RequestInit): Promise<Response> {
  asking += 1;
  const response = await fetch(`/v1/${path}`, init)
    .catch(() => {
      throw new Refusal(0, 'offline', 'No answer.');
    })
    .finally(() => (asking -= 1));
  if (response.ok) return response;
  throw refusalIn(response.status, await response.text());
}

function refusalIn(status: number, text: string): Refusal {
  try {
    const { code, detail, errors } = JSON.parse(text) as { code: string; detail: string; errors?: FieldError[] };
    return new Refusal(status, code, detail, errors);
  } catch {
    return new Refusal(status, 'internal', text.slice(0, 200));
  }
}

async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  const text = await (await fetched(path, init)).text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

const json = (method: string, data: object, headers: Record<string, string> = {}): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(data),
});

export function read<T>(path: string): Promise<T> {
  const wait = seen && path !== 'session' ? `${path.includes('?') ? '&' : '?'}minPosition=${seen}` : '';
  return ask<T>(path + wait);
}

/** Sends a command; `key` makes it repeatable after an answer that was lost. Everything on the page is read anew. */
export async function send(stream: readonly [string, string], command: string, data: object, key: string) {
  const init = json('POST', data, { 'idempotency-key': key });
  const answer = await ask<{ position: string }>(`${stream[0]}/${stream[1]}/${command}`, init);
  seen = answer.position;
  for (const listener of listeners) listener();
}

/**
 * Sends a command whose form has no key of its own: the same again, after an answer that was lost or by a second click,
 * has the same key, until it was done.
 */
export function useDeed() {
  const kept = useRef<{ of: string; key: string }>(undefined);
  return async (stream: readonly [string, string], command: string, data: object) => {
    const of = JSON.stringify([stream, command, data]);
    if (kept.current?.of !== of) kept.current = { of, key: crypto.randomUUID() };
    const deed = kept.current;
    await send(stream, command, data, deed.key);
    if (kept.current === deed) kept.current = undefined;
  };
}

/** Anything else that is asked for by POST: no command of a stream. */
export const post = <T>(path: string, data: object): Promise<T> => ask<T>(path, json('POST', data));

export const whatIf = <T>(command: string, id: string, data: object): Promise<T> =>
  post<T>('what-if', { command, id, data });

/** Here, and where the identity provider wants to be told. */
export async function signOut(): Promise<void> {
  const answer = await ask<{ next: string } | undefined>('session', { method: 'DELETE' }).catch(() => undefined);
  if (answer) location.assign(answer.next);
  else location.reload();
}

/** How one signs in here. */
export const wayIn = (): Promise<'link' | 'provider' | 'token'> =>
  fetch('/sign-in/way').then(async (answer) => ((await answer.json()) as { way: 'link' | 'provider' | 'token' }).way);

export interface Piece {
  name: string;
  sha256: string;
  mediaType: string;
  bytes: number;
}

/** Hashes a file here, hands it over under its hash, and says what a claim has to say of it. */
export async function giveEvidence(file: File, progress: (bytes: number) => void): Promise<Piece> {
  const content = await file.arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  const sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const mediaType = file.type || 'application/octet-stream';
  await put(`evidence/${sha256}`, content, mediaType, progress);
  return { name: file.name, sha256, mediaType, bytes: file.size };
}

/** By XMLHttpRequest, which alone tells how much has gone out. @throws Refusal */
const put = (path: string, content: ArrayBuffer, mediaType: string, progress: (bytes: number) => void) =>
  new Promise<void>((done, failed) => {
    const request = new XMLHttpRequest();
    request.open('PUT', `/v1/${path}`);
    request.setRequestHeader('content-type', mediaType);
    request.upload.onprogress = ({ loaded }) => progress(loaded);
    request.onerror = () => failed(new Refusal(0, 'offline', 'No answer.'));
    request.onload = () => (request.status < 300 ? done() : failed(refusalIn(request.status, request.responseText)));
    request.send(content);
  });

export interface Asked<T> {
  data?: T;
  error?: Refusal;
  again: () => void;
}

/** Calls `listener` whenever what is on the page has to be read anew. @returns what stops it */
export function onChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

const GATHER_MS = 250;
let soon: ReturnType<typeof setTimeout> | undefined;

/** Reads everything on the page anew, shortly: what changes together is read once. */
export function refresh(): void {
  soon ??= setTimeout(() => {
    soon = undefined;
    for (const listener of listeners) listener();
  }, GATHER_MS);
}

interface Found<T> {
  data?: T;
  error?: Refusal;
}

/** What is at `key`, by `ask`: read anew after every command and whenever {@link refresh} is asked for; the latest wins. */
function useAsked<T>(key: string | undefined, ask: (key: string, moment: Moment | undefined) => Promise<T>): Asked<T> {
  const [state, setState] = useState<Found<T> & { key?: string }>({});
  const last = useRef(0);
  const asks = useRef(ask);
  asks.current = ask;
  const moment = usePast();
  const again = useCallback(() => {
    if (key === undefined) return;
    const turn = ++last.current;
    const settle = (found: Found<T>) => {
      if (turn !== last.current) return;
      // What was known stays on the page when it cannot be read anew; unless there was no such thing on that day.
      const keep = found.error && !(moment && found.error.status === 404);
      setState((before) => ({ key, ...(before.key === key && keep ? { data: before.data } : {}), ...found }));
    };
    asks.current(key, moment).then(
      (data) => settle({ data }),
      (error: Refusal) => settle({ error }),
    );
  }, [key, moment]);
  useEffect(() => {
    again();
    listeners.add(again);
    return () => {
      last.current++;
      listeners.delete(again);
    };
  }, [again]);
  return state.key === key ? { data: state.data, error: state.error, again } : { again };
}

/** What stands at `path`. */
export const useRead = <T>(path: string | undefined): Asked<T> =>
  useAsked(path, (one, moment) => read<T>(onDay(one, moment)));

/** Several at once; nothing before all of them are there. */
export const useReads = <T>(paths: readonly string[]): Asked<T[]> =>
  useAsked(paths.join('\n'), (_, moment) => Promise.all(paths.map((path) => read<T>(onDay(path, moment)))));

/** What may be wrong with a field, by how the engine says it. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/is a circle/, 'دور می‌سازد: هیچ‌یک از آن‌ها هرگز آغاز نمی‌شود'],
  [/today or later/, 'باید امروز یا پس از آن باشد'],
  [/not registered|no case|no unit|not defined|not known/, 'در سامانه ثبت نشده است'],
  [/should not be empty|must not be empty|missing|required/, 'نباید خالی باشد'],
  [/at most|shorter than|too long|longer/, 'بلندتر از اندازهٔ مجاز است'],
  [/whole number|integer|number/, 'باید عدد درستی باشد'],
  [/duration|term|working days/i, 'باید مهلت درستی باشد، مانند ۱۵ روز کاری'],
  [/unique|doubled/, 'نباید تکراری باشد'],
];

/** A refusal as a sentence that helps. Codes are stable; one that is not known here is told in the engine's own words. */
export function sentence({ code, message, errors }: Refusal, { t }: Speech): string {
  const known: Record<string, [string, string]> = {
    offline: ['سامانه پاسخ نمی‌دهد. آنچه نوشته‌اید سر جایش است؛ دوباره بفرستید.', 'The server does not answer. What you wrote is still here; send it again.'], // prettier-ignore
    unauthenticated: ['نشست شما پایان یافته است؛ دوباره وارد شوید.', 'Your session has ended; sign in again.'],
    forbidden: ['این کار در اختیار نقش شما نیست.', 'Your role may not do this.'],
    'own-agency': ['دستگاهِ مسئول دربارهٔ تکلیف خودش تصمیم نمی‌گیرد.', 'An agency does not judge what it owes itself.'],
    'governor-only': ['از تمدید سوم به بعد تنها استاندار تصمیم می‌گیرد.', 'From the third extension on only the governor decides.'], // prettier-ignore
    'not-found': [
      'چنین چیزی نیست، یا دیدن آن در اختیار شما نیست.',
      'There is no such thing, or it is not yours to see.',
    ],
    'not-communicated': ['مصوبه هنوز ابلاغ نشده است؛ نخست باید ابلاغ شود.', 'It has not been communicated yet; that comes first.'], // prettier-ignore
    'claim-pending': ['اعلام انجام در انتظار راستی‌آزمایی است؛ نخست باید تکلیف آن روشن شود.', 'A claim waits for verification; it has to be judged first.'], // prettier-ignore
    suspended: ['مهلت متوقف است؛ نخست باید ادامه یابد.', 'The clock is suspended; resume it first.'],
    'deadline-missed': ['مهلت گذشته است و دیگر تمدید نمی‌شود؛ تنها دستور استاندار مهلت تازه می‌دهد.', 'The deadline was missed and is not extended; only a directive gives a new term.'], // prettier-ignore
    'term-mismatch': ['تمدید باید با همان واحد مهلت باشد.', 'An extension has to be in the unit of the clock.'],
    closed: ['این تکلیف بسته شده است.', 'This obligation is closed.'],
    'no-claim': ['دستگاه هنوز چیزی اعلام نکرده است که بشود دربارهٔ آن رأی داد.', 'The agency has claimed nothing that could be judged.'], // prettier-ignore
    'not-suspended': ['مهلت متوقف نیست.', 'The clock is not suspended.'],
    'retraction-needs-oversight': ['این اعلام، مهلتِ ازدست‌رفته را پس می‌گیرد؛ تأیید آن با دستگاه نظارتی است.', 'This claim takes a miss back; only oversight may verify it.'], // prettier-ignore
    'session-not-open': ['جلسه هنوز گشوده نشده است؛ نخست آن را بگشایید.', 'The session has not been opened yet; open it first.'], // prettier-ignore
    'already-open': ['پیش‌تر با مشخصات دیگری گشوده شده است.', 'It was already opened, with other particulars.'],
    'minutes-signed': ['صورتجلسه امضا شده است و دیگر چیزی به آن افزوده نمی‌شود؛ آن را به جلسهٔ بعد ببرید.', 'The minutes are signed and take nothing more; bring it to the next session.'], // prettier-ignore
    'not-reviewed': ['این پرونده هنوز نظر کارشناسی ندارد؛ نخست کارشناس باید آن را بررسی کند.', 'The case has no expert review yet; that comes before the agenda.'], // prettier-ignore
    'resolution-running': ['هنوز مصوبه‌ای از این پرونده در جریان است؛ پس از پایان آن می‌شود پرونده را بست.', 'A resolution of this case still runs; the case can be closed when it has ended.'], // prettier-ignore
    'objection-stands': ['واحد تولیدی به نتیجه اعتراض دارد؛ تا رسیدگی نشود پرونده بسته نمی‌شود.', 'The unit objects to the outcome; that has to be settled before closing.'], // prettier-ignore
    'case-closed': ['این پرونده بسته است؛ دبیر می‌تواند آن را دوباره بگشاید.', 'The case is closed; the secretary can reopen it.'], // prettier-ignore
    'already-planned': ['این بازدید پیش‌تر با مشخصات دیگری برنامه‌ریزی شده است.', 'This visit is already planned, differently.'], // prettier-ignore
    'referral-closed': ['این ارجاع بسته شده است.', 'This referral is closed.'],
    'dependency-not-met': ['مهلت آن هنوز آغاز نشده است؛ نخست تکلیفی که در انتظار آن است باید انجام شود.', 'Its clock has not started: what it waits for has to be met first.'], // prettier-ignore
    'not-closed': ['این پرونده بسته نیست؛ نتیجه پس از بستن سنجیده می‌شود.', 'The case is not closed; outcomes are checked after closing.'], // prettier-ignore
    'too-early': ['هنوز زود است؛ نتیجه نود روز پس از بستن سنجیده می‌شود.', 'It is too early; the outcome is checked ninety days after closing.'], // prettier-ignore
    'evidence-missing': [
      'مدرک به سامانه نرسیده است؛ دوباره پیوست کنید.',
      'The evidence has not arrived; attach it again.',
    ],
    'evidence-mismatch': ['مدرک با آنچه فرستاده شده نمی‌خواند؛ دوباره پیوست کنید.', 'The evidence differs from what was sent; attach it again.'], // prettier-ignore
    'revision-mismatch': ['در این میان دگرگون شده است؛ صفحه را ببینید و دوباره تصمیم بگیرید.', 'It has changed meanwhile; look again and decide.'], // prettier-ignore
    'idempotency-key-reused': ['این فرم پیش‌تر با محتوای دیگری فرستاده شده است؛ آن را ببندید و از نو بگشایید.', 'This form was sent before with other content; close it and open it anew.'], // prettier-ignore
    'identity-provider-unavailable': ['سامانهٔ ورود پاسخ نمی‌دهد؛ اندکی دیگر دوباره بکوشید.', 'The identity provider does not answer; try again shortly.'], // prettier-ignore
    conflict: [
      'هم‌زمان کس دیگری آن را تغییر داد؛ دوباره بفرستید.',
      'Somebody changed it at the same moment; send it again.',
    ],
    'store-unavailable': ['پایگاه داده پاسخ نمی‌دهد؛ چیزی از دست نرفته است. اندکی دیگر دوباره بفرستید.', 'The store does not answer; nothing is lost. Send it again shortly.'], // prettier-ignore
    'too-large': ['پرونده بزرگ‌تر از اندازهٔ مجاز است.', 'The file is larger than allowed.'],
    'evidence-empty': ['این پرونده خالی است.', 'The file is empty.'],
    'evidence-type-mismatch': ['درون پرونده با نوع آن نمی‌خواند؛ پروندهٔ اصلی را بفرستید.', 'The content does not fit the kind of file; send the original.'], // prettier-ignore
    'evidence-hash-mismatch': [
      'پرونده در راه آسیب دید؛ دوباره بفرستید.',
      'The file was damaged on its way; send it again.',
    ],
    'unsupported-media-type': ['این گونهٔ پرونده پذیرفته نمی‌شود.', 'Files of this kind are not accepted.'],
    'too-many-requests': ['درخواست‌ها زیاد است؛ کمی صبر کنید.', 'Too many requests; wait a little.'],
    'no-checkpoint': ['هنوز در هیچ مهری نیست؛ نخست سرِ دفتر را مهر کنید.', 'It is in no checkpoint yet; sign the head of the log first.'], // prettier-ignore
    internal: ['خطایی در سامانه رخ داد؛ چیزی ثبت نشد.', 'The server made an error; nothing was recorded.'],
  };
  const said = known[code];
  if (said) return t(...said);
  const [wrong] = errors;
  if (code === 'invalid' && wrong) {
    const said = wrong.reason;
    const persian = REASONS.find(([pattern]) => pattern.test(said))?.[1] ?? 'درست نوشته نشده است';
    return t(`«${wrong.path}» ${persian}. (${said})`, `${wrong.path} ${said}.`);
  }
  const why = errors.map(({ path, reason }) => (path ? `${path}: ${reason}` : reason)).join('; ') || message;
  return t(`سامانه نپذیرفت (${code}): ${why}`, why);
}
