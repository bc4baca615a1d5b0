import { Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { DecideHandler } from '#kernel';
import { API, type ApiDeps } from './api.js';
import { AuditController } from './audit.controller.js';
import { CommandsController } from './commands.controller.js';
import { docsRoutes } from './docs.js';
import { edge, type EdgeOptions } from './edge.js';
import { evidenceRoutes } from './evidence.js';
import { HealthController } from './health.controller.js';
import { ImportsController } from './imports.controller.js';
import { liveRoutes } from './live.js';
import { LogController } from './log.controller.js';
import { PastController } from './past.controller.js';
import { ProblemFilter } from './problem.js';
import { ProofController } from './proof.controller.js';
import { readsController } from './reads.js';
import { SignInController } from './sign-in.js';
import { WhatIfController } from './what-if.controller.js';

@Module({})
class ApiModule {
  static of(deps: ApiDeps): DynamicModule {
    return {
      module: ApiModule,
      imports: [CqrsModule.forRoot()],
      controllers: [
        CommandsController,
        ImportsController,
        LogController,
        ProofController,
        AuditController,
        HealthController,
        WhatIfController,
        PastController,
        SignInController,
        readsController(deps.reads),
      ],
      providers: [
        { provide: API, useValue: deps },
        { provide: DecideHandler, inject: [API], useFactory: ({ decide }: ApiDeps) => new DecideHandler(decide) },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}

/**
 * The HTTP side, made but not listening: `await app.listen(port, '127.0.0.1')`, or `app.inject()` in tests. Port 0
 * takes a free one. Whoever makes it closes it with `app.close()`, which answers what is in hand first.
 */
export async function createApi(deps: ApiDeps & Omit<EdgeOptions, 'auth'>): Promise<NestFastifyApplication> {
  const adapter = await edge(deps);
  const log = adapter.getInstance().log as FastifyBaseLogger;
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const { evidence } = deps;
  if (evidence) await fastify.register(evidenceRoutes({ ...deps, evidence }));
  await fastify.register(liveRoutes(deps));
  await fastify.register(docsRoutes(deps));
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.of(deps), adapter, {
    logger: nestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  await app.init();
  await adapter.getInstance().ready();
  return app;
}

/** Nest's own words in the log of all others. What it says of each route it maps is of no use to anybody. */
const nestLog = (log: FastifyBaseLogger): LoggerService => ({
  log: (message) => log.debug(message),
  debug: (message) => log.debug(message),
  verbose: (message) => log.trace(message),
  warn: (message) => log.warn(message),
  error: (message) => log.error(message),
  fatal: (message) => log.fatal(message),
});
