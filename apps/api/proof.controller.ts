import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { Controller, Get, Header, HttpCode, Inject, Param, Post, Query, Req, StreamableFile } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { Zip, ZipDeflate } from 'fflate';
import { Id, Refused, shaped, type Actor } from '#kernel';
import { parseSignedCheckpoint, readCheckpoints, readHead, SCOPES, signHead, vkey, type Scope } from '#audit';
import { receiptOf, witnessed } from '#apps/audit';
import { API, type ApiDeps } from './api.js';
import { Who } from './edge.js';
import { overseen } from './overseen.js';

export class ExportQuery {
  @IsOptional() @IsIn(SCOPES) scope?: Scope['kind'];
  @IsOptional() @Id() id?: string;
}

/** What the log is proven by: checkpoints, the proof of one event, an export that proves itself. For oversight. */
@Controller('v1')
export class ProofController {
  constructor(@Inject(API) private readonly api: ApiDeps) {}

  /** Every checkpoint that is kept, the latest first, with the names of those who signed it. */
  @Get('checkpoints')
  async checkpoints(@Who() actor: Actor, @Req() request: FastifyRequest) {
    const { key, policy } = await this.proven(actor, request);
    const { size } = await readHead(this.api.database);
    const kept = await readCheckpoints(this.api.database, 0, size);
    const items = kept.reverse().map((one) => {
      const { note, checkpoint } = parseSignedCheckpoint(one.note);
      const witnesses = note.signatures.filter(({ name }) => name !== checkpoint.origin).map(({ name }) => name);
      return { ...one, witnesses };
    });
    return { origin: key.name, key: vkey(key), rule: policy.rule, head: size, items };
  }

  /** Signs the head of the log now. */
  @Post('checkpoints')
  @HttpCode(200)
  async sign(@Who() actor: Actor, @Req() request: FastifyRequest): Promise<{ size: number }> {
    const { key, policy } = await this.proven(actor, request);
    const { size } = await signHead(this.api.database, key);
    await witnessed(this.api.database, size, policy);
    return { size };
  }

  /** The proof of one event (c2sp.org/tlog-proof): its place under the first checkpoint that has it. */
  @Get('proofs/:stream/:revision')
  @Header('content-type', 'text/plain; charset=utf-8')
  async proof(
    @Param('stream') stream: string,
    @Param('revision') revision: string,
    @Who() actor: Actor,
    @Req() request: FastifyRequest,
  ): Promise<string> {
    const { policy } = await this.proven(actor, request);
    const number = /^\d{1,9}$/.test(revision) ? Number(revision) : -1;
    const [event] = number < 0 ? [] : await this.api.decide.store.readStream(stream, number);
    if (event?.revision !== number) throw Refused.notFound(`There is no revision ${revision} of ${stream}.`);
    const receipt = await receiptOf(this.api.database, event, { policy });
    if (receipt === undefined) {
      throw new Refused('no-checkpoint', 'It is in no checkpoint yet: sign the head of the log first.');
    }
    return receipt;
  }

  /** A zip of the folder that proves itself: everything, or a case, an agency or a session with what is linked to it. */
  @Get('export')
  async export(@Query() query: object, @Who() actor: Actor, @Req() request: FastifyRequest): Promise<StreamableFile> {
    const { key, policy } = await this.proven(actor, request);
    const { scope: kind = 'all', id } = shaped(ExportQuery, { ...query });
    if ((kind === 'all') !== (id === undefined)) {
      const reason = 'goes with every scope but "all"';
      throw Refused.invalid(`id ${reason}.`, [{ path: 'id', reason }]);
    }
    const dir = await mkdtemp(join(tmpdir(), 'peygir-export-'));
    const away = () => rm(dir, { recursive: true, force: true });
    try {
      const { exportLog } = await import('#apps/export');
      const { database, decide, evidence, vault } = this.api;
      await exportLog({
        database,
        store: decide.store,
        evidence,
        vault,
        key,
        scope: { kind, ...(id && { id }) },
        policy,
        dir,
      });
      const files = await filesBelow(dir);
      const name = ['peygir', kind, id, randomUUID().slice(0, 8)].filter(Boolean).join('-');
      const packed = Readable.from(zipped(dir, files), { objectMode: false });
      packed.once('close', () => void away());
      return new StreamableFile(packed, { type: 'application/zip', disposition: `attachment; filename="${name}.zip"` });
    } catch (error) {
      await away();
      throw error;
    }
  }

  private async proven(actor: Actor, request: FastifyRequest): Promise<NonNullable<ApiDeps['proof']>> {
    await overseen(this.api, actor, request);
    if (!this.api.proof) throw Refused.notFound('This server has no key of the log.');
    return this.api.proof;
  }
}

async function filesBelow(dir: string): Promise<string[]> {
  const found = await readdir(dir, { recursive: true });
  const files: string[] = [];
  for (const name of found) if ((await stat(join(dir, name))).isFile()) files.push(relative(dir, join(dir, name)));
  return files.sort();
}

/** The files as a zip, piece by piece: never more of it in memory than one piece of one file. */
async function* zipped(dir: string, files: readonly string[]): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const zip = new Zip((error, piece) => {
    if (error) throw error;
    ready.push(piece);
  });
  for (const name of files) {
    const file = new ZipDeflate(name, { level: 6 });
    zip.add(file);
    for await (const piece of createReadStream(join(dir, name))) {
      file.push(piece as Uint8Array);
      yield* ready.splice(0);
    }
    file.push(new Uint8Array(0), true);
  }
  zip.end();
  yield* ready;
}
