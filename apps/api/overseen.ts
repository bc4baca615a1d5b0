import { Matches } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '#kernel';
import type { ApiDeps } from './api.js';
import { forbidden } from './auth.js';
import { headerText } from './commands.controller.js';

export function oversightOnly(actor: Actor): void {
  if (actor.role !== 'oversight') throw forbidden(`The log is for oversight; not for ${actor.role}.`);
}

/** Lets oversight in, and notes who comes for what. Nothing is answered that could not be noted. */
export async function overseen(api: ApiDeps, actor: Actor, request: FastifyRequest): Promise<void> {
  oversightOnly(actor);
  await noted(api, actor, request);
}

/** A follower's place in the log changes with each question; what he asks for does not. */
const PLACE = ['after', 'limit', 'minPosition'];

/** A position of the log, as events and the answers to commands give it. */
export const IsPosition = (): PropertyDecorator =>
  Matches(/^\d{1,18}$/, { message: '$property must be a position, as an event gives it' });

/** Notes a read, with the reader's own `Purpose` for it. */
export async function noted(
  { readers }: ApiDeps,
  actor: Actor,
  { method, url, headers }: FastifyRequest,
): Promise<void> {
  if (!readers) return;
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  for (const name of PLACE) searchParams.delete(name);
  const purpose = headers['purpose'];
  const asked = searchParams.size > 0 ? `${pathname}?${searchParams.toString()}` : pathname;
  await readers.note(
    actor,
    `${method} ${asked.replaceAll('%3A', ':')}`,
    purpose === undefined ? '' : headerText(String(purpose)),
  );
}
