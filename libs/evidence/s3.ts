import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import { StoreUnavailable, type Database } from '#kernel';
import type { EvidenceBytes } from './bytes.js';

/** A bucket of anything that speaks S3: Ceph, MinIO, Garage, a provider's. Addressed by path, which all of them answer. */
export interface Bucket {
  /** `https://s3.example.ir` */
  endpoint: string;
  region: string;
  bucket: string;
  /** Before each name, without slashes at its ends; may be empty. */
  prefix: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Milliseconds between tries; tests shorten it. */
  pauseMs?: number;
}

const TRIES = 3;
const PAUSE_MS = 500;
/** Until the store has all of an upload, or begins to answer. */
const PATIENCE_MS = 120_000;

/**
 * One object for each piece, named by its hash, which the store itself checks: an upload is signed with it. Nothing
 * points at an object before its row is in the database, so what a crash leaves behind is seen by nobody.
 */
export function s3Bytes(
  database: Database,
  { endpoint, region, bucket, prefix, accessKeyId, secretAccessKey, pauseMs = PAUSE_MS }: Bucket,
): EvidenceBytes {
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 });
  const urlOf = (sha256: string) =>
    [endpoint.replace(/\/+$/, ''), bucket, ...prefix.split('/').filter(Boolean).map(encodeURIComponent), sha256].join(
      '/',
    );

  /** What the store answers with success. */
  const asked = async (sha256: string, request: () => RequestInit & { duplex?: 'half' }): Promise<Response> => {
    for (let tried = 1; ; tried++) {
      let wrong: string;
      try {
        const signed = await client.sign(urlOf(sha256), request());
        const response = await fetch(signed, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) });
        if (response.ok) return response;
        await response.body?.cancel();
        wrong = `answers ${response.status}`;
        if (response.status < 500 && response.status !== 429) tried = TRIES;
      } catch (error) {
        const { message, cause } = error as Error;
        wrong = `cannot be reached: ${(cause as Error | undefined)?.message ?? message}`;
      }
      if (tried >= TRIES) throw new StoreUnavailable(`The store of evidence ${wrong}`);
      await sleep(pauseMs * tried);
    }
  };

  return {
    place: 's3',
    prepare: async () => {},
    async keep({ sha256, bytes, file }, known) {
      const response = await asked(sha256, () => ({
        method: 'PUT',
        headers: { 'content-length': String(bytes), 'x-amz-content-sha256': sha256 },
        body: Readable.toWeb(file.createReadStream({ start: 0, autoClose: false })) as ReadableStream,
        duplex: 'half',
      }));
      await response.body?.cancel();
      return database.transaction(known);
    },
    async open(sha256) {
      const { body } = await asked(sha256, () => ({ method: 'GET' }));
      return body!;
    },
  };
}
