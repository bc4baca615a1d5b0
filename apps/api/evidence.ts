import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Evidence } from '#evidence';
import { Refused, streamOf, type Actor } from '#kernel';
import { obligationQuery } from '#resolutions';
import type { ApiDeps } from './api.js';
import { forbidden } from './auth.js';
import { flowing, type EdgeOptions } from './edge.js';
import { answerProblem } from './problem.js';

const SHA256 = /^[0-9a-f]{64}$/;
/** Those who claim. */
const GIVERS = ['agency', 'registrar'];

interface Of {
  resolution: string;
  obligation: string;
  sha256: string;
}

/**
 * Evidence goes in as it is, not as JSON, and comes out only through the obligation it belongs to. In a Fastify scope of
 * its own, so that no other route learns to take such bodies.
 */
export const evidenceRoutes =
  (deps: ApiDeps & Pick<EdgeOptions, 'bodyMs'> & { evidence: Evidence }) => async (scope: FastifyInstance) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.setErrorHandler(answerProblem);

    const given = { config: { streams: true } } as const;
    scope.put<{ Params: { sha256: string } }>('/v1/evidence/:sha256', given, async (request, reply) => {
      const actor = request.actor!;
      const body = (request.body ?? Readable.from([])) as Readable;
      try {
        const { sha256 } = request.params;
        if (!GIVERS.includes(actor.role)) throw forbidden(`Evidence is given by ${GIVERS.join(', ')}.`);
        checkHash(sha256);
        const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
        const announced = Number(request.headers['content-length'] ?? 0);
        // Not destroyed when refused half-way: the sender is still to read why.
        const content = flowing(body.iterator({ destroyOnReturn: false }), deps.bodyMs);
        const { isNew, ...stored } = await deps.evidence.put(sha256, mediaType, content, actor, announced);
        return reply.status(isNew ? 201 : 200).send(stored);
      } finally {
        body.resume();
      }
    });

    scope.get<{ Params: Of }>('/v1/obligations/:resolution/:obligation/evidence/:sha256', async (request, reply) => {
      checkHash(request.params.sha256);
      const name = await nameOf(request.params, request.actor!, deps);
      const stored = name !== undefined && (await deps.evidence.find(request.params.sha256));
      if (!stored) throw Refused.notFound('There is no such evidence, or it is not yours to read.');
      return answer(reply, await deps.evidence.read(stored.sha256), stored, name);
    });
  };

/** What a claim on this obligation calls the file; undefined when none does, or when the obligation is not the reader's. */
async function nameOf({ resolution, obligation, sha256 }: Of, reader: Actor, { decide, database }: ApiDeps) {
  if (!(await obligationQuery.run({ resolution, obligation }, reader, database))) return undefined;
  const events = await decide.store.readStream(streamOf('resolution', resolution));
  return events
    .filter(({ type, data }) => type === 'AgencyComplied' && data.obligation === obligation)
    .flatMap(({ data }) => data.evidence as { name: string; sha256: string }[])
    .findLast((one) => one.sha256 === sha256)?.name;
}

function answer(
  reply: FastifyReply,
  content: AsyncIterable<Uint8Array>,
  { sha256, mediaType, bytes }: { sha256: string; mediaType: string; bytes: number },
  name: string,
) {
  // RFC 8187: the name as UTF-8, and one in ASCII for whoever does not know that.
  const ascii = name.replaceAll(/[^\w.-]/g, '_');
  const utf8 = encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return reply
    .headers({
      'content-type': mediaType,
      'content-length': bytes,
      'content-disposition': `attachment; filename="${ascii}"; filename*=UTF-8''${utf8}`,
      etag: `"${sha256}"`,
    })
    .send(Readable.from(content));
}

function checkHash(sha256: string): void {
  if (SHA256.test(sha256)) return;
  const reason = 'must be 64 lower-case hexadecimal digits';
  throw Refused.invalid(`sha256 ${reason}.`, [{ path: 'sha256', reason }]);
}
