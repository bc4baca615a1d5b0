import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsOptional, IsString, Length, ValidateNested } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import {
  Decide,
  derivedId,
  canonicalJson,
  Id,
  Refused,
  ROLES,
  shaped,
  Text,
  type Actor,
  type Answer,
  type FieldError,
  type Order,
  type Position,
  type Role,
} from '#kernel';
import { API, type ApiDeps } from './api.js';
import { forbidden } from './auth.js';
import { commandIdOf, instantOf } from './commands.controller.js';
import { Who } from './edge.js';
import type { OpenImport } from './imports.js';
import { Problem } from './problem.js';

const MAX_LINES = 1_000;
const POLICY_PATIENCE_MS = 30_000;
const DEADLINES_PATIENCE_MS = 2_000;
const RENEW_MS = 1_000;
const PAGE = 500;

class Office {
  @Text(200) id!: string;
  @IsIn(ROLES.filter((role) => role !== 'engine')) role!: Role;
  @IsOptional() @Id() agency?: string;
  @IsOptional() @Id() unit?: string;
}

/** A command line of CONTRACT section 6. */
export class ImportLine {
  @IsString() at!: string;
  @IsObject() @ValidateNested() @Type(() => Office) as!: Office;
  @Length(1, 100) command!: string;
  @Id() id!: string;
  @IsOptional() @IsObject() data?: object;
  @IsOptional() @IsString() commandId?: string;
  @IsOptional() @IsString() occurredAt?: string;
  @IsOptional() @Text(1_000) document?: string;
}

/** What became of one line of many: its answer, or the refusal in the words `simulate` uses. */
type LineResult =
  | Answer
  | { refused: string; status: number; detail: string; errors: readonly FieldError[]; command: string; id: string };

@Controller('v1/imports')
export class ImportsController {
  private readonly aggregateOf: ReadonlyMap<string, string>;

  constructor(
    private readonly bus: CommandBus,
    @Inject(API) private readonly api: ApiDeps,
  ) {
    // A name that two aggregates share goes to the first, as in a simulation.
    this.aggregateOf = new Map(
      api.decide.deciders
        .toReversed()
        .flatMap(({ aggregate, commands }) => Object.keys(commands).map((name) => [name, aggregate])),
    );
  }

  @Post()
  open(@Who() actor: Actor): Promise<OpenImport> {
    registrarOnly(actor);
    return this.api.imports.open(actor.id);
  }

  @Post(':id/renew')
  @HttpCode(200)
  renew(@Param('id') id: string, @Who() actor: Actor): Promise<OpenImport> {
    registrarOnly(actor);
    return this.api.imports.renew(id);
  }

  /** Whether it still runs, and how much of what fell due in it has not fired yet. */
  @Get(':id')
  async show(@Param('id') id: string, @Who() actor: Actor) {
    registrarOnly(actor);
    const { decide, checkpoints, imports } = this.api;
    if (!(await checkpoints.waitFor(['deadlines'], await decide.store.head(), DEADLINES_PATIENCE_MS))) {
      throw new Problem(503, 'deadlines-behind', 'The deadlines do not keep up; ask again.', {
        headers: { 'retry-after': '1' },
      });
    }
    return { id, open: await imports.isOpen(id), unsettled: await imports.unsettled(id) };
  }

  @Post(':id/end')
  @HttpCode(204)
  async end(@Param('id') id: string, @Who() actor: Actor): Promise<void> {
    registrarOnly(actor);
    await this.api.imports.end(id);
  }

  /**
   * One line, answered like a command; or a list of lines, taken in order, each with its own result. Every line's
   * shape is checked before the first is sent. Sent again with the same command ids, a list changes nothing.
   */
  @Post(':id/commands')
  @HttpCode(200)
  async send(
    @Param('id') id: string,
    @Body() body: unknown,
    @Who() actor: Actor,
    @Req() request: FastifyRequest,
  ): Promise<Answer | { results: LineResult[] }> {
    registrarOnly(actor);
    const order = (line: unknown) => this.order(line, actor, id, request.id);
    const orders = Array.isArray(body) ? listed(body, order) : [order(body)];
    let quiet = await this.policiesPassed(await this.api.decide.store.head(), true);
    const results: LineResult[] = [];
    let renewed = -Infinity;
    for (const each of orders) {
      if (performance.now() - renewed > RENEW_MS) {
        await this.api.imports.renew(id);
        renewed = performance.now();
      }
      try {
        results.push(await this.bus.execute(new Decide(each)));
      } catch (error) {
        if (!(error instanceof Refused) || !Array.isArray(body)) throw error;
        results.push(refused(error, each));
      }
      quiet = await this.policiesPassed(quiet);
    }
    return Array.isArray(body) ? { results } : (results[0] as Answer);
  }

  private order(line: unknown, actor: Actor, imported: string, correlationId: string): Order {
    const { at: when, as, command, id, data, commandId, occurredAt, document } = shaped(ImportLine, line);
    const instant = instantOf(when, 'at');
    if (instant > this.api.decide.clock.now()) {
      throw Refused.invalid('at lies in the future.', [{ path: 'at', reason: 'lies in the future' }]);
    }
    return {
      // An unknown command is a refusal of its line, like any other; the door says so.
      aggregate: this.aggregateOf.get(command) ?? '',
      id,
      name: command,
      data: data ?? {},
      actor: {
        id: actor.id,
        role: actor.role,
        ...(as.agency !== undefined && { agency: as.agency }),
        ...(as.unit !== undefined && { unit: as.unit }),
        onBehalfOf: { id: as.id, role: as.role },
      },
      commandId: commandId === undefined ? derivedId('line', canonicalJson(line)) : commandIdOf(commandId, 'commandId'),
      at: instant,
      import: imported,
      correlationId,
      ...(occurredAt !== undefined && { occurredAt: instantOf(occurredAt, 'occurredAt') }),
      ...(document !== undefined && { document }),
    };
  }

  /**
   * Until the policies have done what follows from the log after `quiet`, and what follows from that, and so on.
   * @returns how far the log is quiet now.
   */
  private async policiesPassed(quiet: Position, alsoBefore = false): Promise<Position> {
    const { policies, decide } = this.api;
    if (!policies) return quiet;
    const passed = async (position: Position) => {
      if (await policies.passed(position, POLICY_PATIENCE_MS)) return;
      throw new Problem(503, 'policies-behind', 'The policies do not keep up; send the same lines again later.', {
        headers: { 'retry-after': '5' },
      });
    };
    if (alsoBefore) await passed(quiet);
    for (;;) {
      const { events, position } = await decide.store.readAll(quiet, PAGE);
      if (events.length === 0) return quiet;
      const last = events.findLast(({ type }) => policies.on.has(type));
      if (last) await passed(last.position);
      quiet = position;
    }
  }
}

function registrarOnly(actor: Actor): void {
  if (actor.role !== 'registrar') throw forbidden(`Imports are for the registrar; not for ${actor.role}.`);
}

/** Every line's shape is checked, and its place named, before the first line is sent. */
function listed(lines: unknown[], order: (line: unknown) => Order): Order[] {
  if (lines.length > MAX_LINES) throw Refused.invalid(`A list may have at most ${MAX_LINES} lines.`);
  const wrong: FieldError[] = [];
  const orders = lines.flatMap((line, index) => {
    try {
      return [order(line)];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      wrong.push(...error.errors.map(({ path, reason }) => ({ path: `[${index}]${path && `.${path}`}`, reason })));
      return [];
    }
  });
  if (wrong.length === 0) return orders;
  throw Refused.invalid('Some lines are malformed; none was sent.', wrong);
}

const refused = ({ code, status, message, errors }: Refused, { name, id }: Order): LineResult => ({
  refused: code,
  status,
  detail: message,
  errors,
  command: name,
  id,
});
