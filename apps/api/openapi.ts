// @ts-expect-error -- the one part of class-transformer that knows the classes of nested fields has no types of its own
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { targetConstructorToSchema, validationMetadatasToSchemas } from 'class-validator-jsonschema';
import { MEDIA_TYPES } from '#evidence';
import { ROLES, type CommandRule, type DataClass, type Query } from '#kernel';
import type { ApiDeps } from './api.js';
import { ImportLine } from './imports.controller.js';
import { AuditQuery, ReadsQuery, ReceiptQuery } from './audit.controller.js';
import { EventsQuery } from './log.controller.js';
import { Between } from './past.controller.js';
import { ExportQuery } from './proof.controller.js';

interface Operation {
  tags: string[];
  operationId?: string;
  summary?: string;
  description?: string;
  security?: object[];
  parameters?: Parameter[];
  requestBody?: object;
  responses: object;
}
interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  description?: string;
  required?: boolean;
  schema: object;
}
type Paths = Record<string, Partial<Record<'get' | 'post' | 'put' | 'delete', Operation>>>;

const REFS = {
  classTransformerMetadataStorage: defaultMetadataStorage,
  refPointerPrefix: '#/components/schemas/',
  additionalConverters: {
    isTerm: { type: 'integer' as const, minimum: 1, maximum: 750, description: 'or `duration`' },
  },
};
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const header = (name: string, description: string) => ({
  name,
  in: 'header' as const,
  description,
  schema: { type: 'string' as const },
});

const ANSWER = {
  type: 'object',
  required: ['stream', 'revision', 'position', 'events'],
  properties: {
    stream: { type: 'string' },
    revision: { type: 'integer', description: 'of the last event of this command; the next If-Match' },
    position: { type: 'string', description: 'in the whole log; the next minPosition' },
    events: {
      type: 'array',
      items: { type: 'object', properties: { id: { type: 'string', format: 'uuid' }, type: { type: 'string' } } },
    },
  },
};
const PROBLEM = {
  type: 'object',
  description: 'RFC 9457; `code` is stable',
  required: ['title', 'status', 'code', 'detail', 'correlationId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { path: { type: 'string' }, reason: { type: 'string' } } },
    },
    correlationId: { type: 'string' },
  },
};
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ref('Problem') } },
});
const REFUSALS = {
  400: problem('`invalid`: every field with its path and reason'),
  401: problem('`unauthenticated`'),
  403: problem('`forbidden`, `own-agency`, …'),
  404: problem('`not-found`, `unknown-command`'),
  503: problem('`store-unavailable`, with Retry-After'),
};
const COMMAND_REFUSALS = {
  ...REFUSALS,
  409: problem('`conflict`'),
  412: problem('`revision-mismatch`'),
  413: problem('`too-large`'),
  422: problem('refused; `code` says why'),
};

const SESSION = {
  type: 'object',
  required: ['id', 'role', 'province'],
  properties: {
    id: { type: 'string' },
    role: { type: 'string', enum: ROLES.filter((role) => role !== 'engine') },
    agency: { type: 'string' },
    unit: { type: 'string' },
    province: { type: 'string' },
  },
};

const GIVING = {
  ...REFUSALS,
  413: problem('`too-large`'),
  415: problem('`unsupported-media-type`'),
  422: problem('`evidence-hash-mismatch`, `evidence-type-mismatch`, `evidence-empty`'),
};

const RECEIPT = { 200: { description: 'A .tlog-proof', content: { 'text/plain': {} } }, ...REFUSALS };

/** A read for oversight, which is recorded itself. */
class Nothing {}

const ofThePast = (summary: string, query: DataClass): { get: Operation } => ({
  get: {
    tags: ['reads'],
    summary: `${summary} For those who read the province.`,
    parameters: parametersOf(query),
    responses: { 200: { description: 'As it was', ...json({}) }, ...REFUSALS },
  },
});

const audited = (summary: string, query: DataClass, path: readonly string[] = []): { get: Operation } => ({
  get: {
    tags: ['log'],
    summary: `${summary} For oversight.`,
    parameters: [
      ...path.map(idParameter),
      ...parametersOf(query),
      {
        name: 'Purpose',
        in: 'header',
        required: false,
        schema: { type: 'string', maxLength: 200 },
        description: 'Why this is read. It is recorded with who read what; leaving it out is recorded, too.',
      },
    ],
    responses: { 200: { description: 'As it was', ...json({}) }, ...REFUSALS },
  },
});

/** The document at `/docs-json`: commands from the deciders' tables, bodies from their class-validator classes. */
export function openApi({ decide, reads, past }: ApiDeps): object {
  const paths: Paths = {
    ...Object.fromEntries(
      decide.deciders.flatMap(({ aggregate, commands }) =>
        Object.entries(commands).map(([name, rule]) => [
          `/v1/${aggregate}/{id}/${name}`,
          { post: command(aggregate, name, rule) },
        ]),
      ),
    ),
    ...Object.fromEntries(
      reads.map((read) => [`/v1/${read.path.replace(/:(\w+)/g, '{$1}')}`, { get: asked(read, past?.answers(read)) }]),
    ),
    ...LOG_AND_IMPORTS(),
  };
  return {
    openapi: '3.0.0',
    info: {
      title: 'Peygir',
      description: 'Commands in, read models out. Every command is repeatable by its Idempotency-Key.',
      version: '1.0.0',
    },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { ...validationMetadatasToSchemas(REFS), Answer: ANSWER, Problem: PROBLEM },
    },
    security: [{ bearer: [] }],
  };
}

const bodyOf = (type: DataClass) =>
  targetConstructorToSchema(type, REFS) as { properties?: Record<string, object>; required?: string[] };

const idParameter = (name: string) => ({
  name,
  in: 'path' as const,
  required: true,
  schema: { type: 'string' as const, pattern: '^[A-Za-z0-9._-]{1,100}$' },
});

function command(aggregate: string, name: string, { data, roles, lateTruth }: CommandRule): Operation {
  return {
    tags: [aggregate],
    operationId: `${aggregate}.${name}`,
    summary: `For ${roles.join(', ')}.`,
    parameters: [
      idParameter('id'),
      header('Idempotency-Key', 'Makes it repeatable: the same key and body get the same answer.'),
      header('If-Match', 'The revision the stream must have, such as "5".'),
      ...(lateTruth
        ? [
            header('Occurred-At', 'Only the registrar: when it happened, if earlier.'),
            header('Document', 'Needed with Occurred-At: the document that shows it. UTF-8 or percent-encoded.'),
          ]
        : []),
    ],
    requestBody: { required: true, ...json(bodyOf(data)) },
    responses: { 200: { description: 'Done, or already so', ...json(ref('Answer')) }, ...COMMAND_REFUSALS },
  };
}

/** What the class of a read's parameters says, split into those of the path and those of the query. */
function parametersOf(type: DataClass, path = ''): Parameter[] {
  const { properties = {}, required = [] } = bodyOf(type);
  return Object.entries(properties).map(([name, schema]) => {
    const inPath = new RegExp(`:${name}\\b`).test(path);
    return {
      name,
      in: inPath ? ('path' as const) : ('query' as const),
      required: inPath || required.includes(name),
      schema,
    };
  });
}

const moment = (name: string, description: string) => ({
  name,
  in: 'query' as const,
  description: `${description} For those who read the province; one of asOf and validAt.`,
  schema: { type: 'string' as const, format: 'date-time' },
});

function asked({ path, summary, params, type }: Query, dated = false): Operation {
  return {
    tags: ['reads'],
    summary,
    parameters: [
      ...parametersOf(params, path),
      {
        name: 'minPosition',
        in: 'query',
        description: 'Waits briefly until the read model has seen this position, else answers with X-As-Of.',
        schema: { type: 'string' },
      },
      ...(dated ? [moment('asOf', 'As it was known then.'), moment('validAt', 'As it was in truth then.')] : []),
    ],
    responses: {
      200: { description: 'What you may see of it', ...(type ? { content: { [type]: {} } } : json({})) },
      ...REFUSALS,
    },
  };
}

const LOG_AND_IMPORTS = (): Paths => {
  const imports = (summary: string, rest: Partial<Operation> = {}): Operation => ({
    tags: ['imports'],
    summary: `${summary} For registrar.`,
    responses: { 200: { description: 'Done', ...json({}) }, ...COMMAND_REFUSALS },
    ...rest,
  });
  const line = bodyOf(ImportLine);
  const sha256 = { ...idParameter('sha256'), schema: { type: 'string' as const, pattern: '^[0-9a-f]{64}$' } };
  return {
    '/v1/imports': { post: imports('Opens an import, kept by a lease.') },
    '/v1/imports/{id}': {
      get: imports('Whether it runs, and how many due alarms of it have not fired.', {
        parameters: [idParameter('id')],
      }),
    },
    '/v1/imports/{id}/renew': { post: imports('Keeps the lease.', { parameters: [idParameter('id')] }) },
    '/v1/imports/{id}/end': {
      post: imports('Ends it; alarms that waited are settled.', { parameters: [idParameter('id')] }),
    },
    '/v1/imports/{id}/commands': {
      post: imports('One command line, or a list of them.', {
        parameters: [idParameter('id')],
        requestBody: { required: true, ...json({ oneOf: [line, { type: 'array', items: line }] }) },
      }),
    },
    '/v1/evidence/{sha256}': {
      put: {
        tags: ['evidence'],
        summary: 'Gives a file that a claim will name. The server hashes it again. For agency, registrar.',
        parameters: [sha256],
        requestBody: { required: true, content: Object.fromEntries(MEDIA_TYPES.map((type) => [type, {}])) },
        responses: { 200: { description: 'Was there already' }, 201: { description: 'Is there now' }, ...GIVING },
      },
    },
    '/v1/obligations/{resolution}/{obligation}/evidence/{sha256}': {
      get: {
        tags: ['evidence'],
        summary: 'A file that a claim on this obligation named, as an attachment.',
        parameters: [idParameter('resolution'), idParameter('obligation'), sha256],
        responses: { 200: { description: 'Its bytes' }, ...REFUSALS },
      },
    },
    '/v1/session': {
      get: {
        tags: ['session'],
        summary: 'Who asks, by token or by cookie.',
        responses: {
          200: { description: 'What an interface has to know', ...json(SESSION) },
          ...REFUSALS,
        },
      },
      delete: {
        tags: ['session'],
        summary: 'Signs a browser out.',
        responses: {
          200: { description: '`{ next }`: where to go to be signed out at the identity provider', ...json({}) },
          204: { description: 'The cookie means nothing any more' },
          ...REFUSALS,
        },
      },
    },
    '/v1/live': {
      get: {
        tags: ['live'],
        summary: 'That something changed which the reader may see, as server-sent events; never what.',
        description:
          '`ready` says from where on. A message `{ position, stream, type? }` says that a stream changed and that reads ' +
          'show it; `type` only to whoever reads everything of that kind. `beat` `{ position, behind }` comes every few ' +
          'seconds; `behind`: reads are old just now. `reset`: the id given is of another log. Ends now and then; open it ' +
          'again with the last id.',
        parameters: [header('Last-Event-ID', 'Goes on after this event, as `EventSource` does by itself.')],
        responses: {
          200: { description: 'Goes on until somebody ends it', content: { 'text/event-stream': {} } },
          429: problem('`too-many-requests`: too many live connections'),
          ...REFUSALS,
        },
      },
    },
    '/v1/events': {
      get: {
        tags: ['log'],
        summary: 'The log, one event a line. For oversight.',
        parameters: parametersOf(EventsQuery),
        responses: { 200: { description: 'NDJSON', content: { 'application/x-ndjson': {} } }, ...REFUSALS },
      },
    },
    '/v1/audit/summary': audited('The province in numbers, as known at an instant or as it was in truth.', AuditQuery),
    '/v1/audit/agencies/{agency}': audited('What an agency owed, and where each of it stood.', AuditQuery, ['agency']),
    '/v1/audit/reads': audited('Who read what of the log and its audit, why, how often.', ReadsQuery),
    '/v1/audit/{stream}': audited('One stream as it was known, or as it was in truth.', AuditQuery, ['stream']),
    '/v1/audit/{stream}/linked': audited('The same with everything that was linked to it.', AuditQuery, ['stream']),
    '/v1/checkpoints': {
      ...audited('Every checkpoint that is kept, the latest first, with who signed it.', Nothing),
      post: audited('Signs the head of the log now.', Nothing).get,
    },
    '/v1/proofs/{stream}/{revision}': audited('The proof of one event (c2sp.org/tlog-proof).', Nothing, [
      'stream',
      'revision',
    ]),
    '/v1/export': audited('A zip of the folder that proves itself.', ExportQuery),
    '/v1/past': ofThePast('How much the log tells of each day, on both axes of time.', Nothing),
    '/v1/past/differences': ofThePast('What is different in the record between two moments.', Between),
    '/v1/receipts/{commandId}': {
      get: {
        tags: ['log'],
        summary: 'The receipt of a command of your own (c2sp.org/tlog-proof), to be taken home.',
        parameters: [
          { name: 'commandId', in: 'path', required: true, schema: { type: 'string' } },
          ...parametersOf(ReceiptQuery),
        ],
        responses: RECEIPT,
      },
    },
    '/health/live': {
      get: { tags: ['health'], security: [], responses: { 200: { description: 'The process answers' } } },
    },
    '/health/ready': {
      get: {
        tags: ['health'],
        security: [],
        responses: { 200: { description: 'What it needs answers' }, 503: problem('`not-ready`') },
      },
    },
    '/metrics': {
      get: {
        tags: ['health'],
        security: [],
        responses: { 200: { description: 'Figures for Prometheus', content: { 'text/plain': {} } } },
      },
    },
  };
};
