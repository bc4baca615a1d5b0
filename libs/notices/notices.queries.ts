import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import {
  documentsProjection,
  Id,
  kinds,
  ListParams,
  matching,
  query,
  sql,
  textColumn,
  type Documents,
  type Instant,
  type Query,
  type RecordedEvent,
} from '#kernel';
import { agencyKey } from './contacts.js';
import type { Channel } from './contact.js';
import { sampleOf } from './letter.js';
import type { ChannelName, Failure } from './notice.js';
import { placeholdersOf, TEMPLATE_IDS, templateInForce, type NoticeTemplate } from './notice-template.js';

/** What became of the notices, who is told where, and in what words: for people to read. The sender has tables of its own. */
const STATUSES = ['failed', 'sent', 'delivered', 'undelivered', 'acknowledged', 'waiting'] as const;

interface NoticeDocument {
  recipient: string;
  status: (typeof STATUSES)[number];
  /** How many things it tells. */
  tells: number;
  at: Instant;
  channel?: ChannelName;
  reason?: Failure;
  attempts?: number;
  messageId?: string;
  templates?: string[];
  segments?: number;
  sentAt?: Instant;
  deliveredAt?: Instant;
  note?: string;
}

const became =
  (status: NoticeDocument['status'], more: (event: RecordedEvent) => Partial<NoticeDocument> = () => ({})) =>
  (doc: NoticeDocument | undefined, event: RecordedEvent): NoticeDocument => {
    const { recipient, events } = event.data as { recipient: string; events: string[] };
    return { ...doc, recipient, tells: events.length, status, at: event.metadata.occurredAt, ...more(event) };
  };

const notices: Documents<NoticeDocument> = {
  table: 'read_notices',
  columns: {
    recipient: textColumn(`doc->>'recipient'`),
    status: textColumn(`doc->>'status'`),
    at: textColumn(`doc->>'at'`),
  },
  indexes: ['(at, id)', '(recipient, at, id)', '(status, at, id)'],
  on: {
    NoticeSent: became('sent', ({ data: { channel, messageId, templates, segments }, metadata }) => ({
      channel,
      messageId,
      templates,
      segments,
      sentAt: metadata.occurredAt,
      reason: undefined,
    })),
    NoticeDelivered: became('delivered', ({ metadata }) => ({ deliveredAt: metadata.occurredAt })),
    NoticeFailed: (doc, event) => {
      const { channel, reason, attempts, final } = event.data;
      return became(final ? 'undelivered' : 'failed', () => ({ channel, reason, attempts }))(doc, event);
    },
    NoticeResendAsked: became('waiting'),
    NoticeAcknowledged: became('acknowledged', ({ data }) => ({ note: data.note })),
  },
};

interface ContactsDocument {
  recipient: string;
  channels: Channel[];
  at: Instant;
}

const recipientOf = ({ stream }: RecordedEvent): string =>
  stream.replace(/^agencyContacts-/, agencyKey('')).replace(/^officeContacts-/, '');

const contacts: Documents<ContactsDocument> = {
  table: 'read_contacts',
  columns: { recipient: textColumn(`doc->>'recipient'`) },
  idOf: recipientOf,
  on: {
    ContactsSet: (_, event) => ({
      recipient: recipientOf(event),
      channels: event.data.channels,
      at: event.metadata.occurredAt,
    }),
    WebhookDisabled: (doc, { data, metadata }) =>
      doc && {
        ...doc,
        channels: doc.channels.filter(({ webhook }) => webhook !== data.webhook),
        at: metadata.occurredAt,
      },
  },
};

interface TemplateDocument {
  versions: (NoticeTemplate & { at: Instant; by: string })[];
}

const templates: Documents<TemplateDocument> = {
  table: 'read_notice_templates',
  columns: {},
  on: {
    NoticeTemplateDefined: (doc, { data, metadata: { occurredAt: at, actor } }) => ({
      versions: [...(doc?.versions ?? []), { ...data, at, by: actor.id }],
    }),
  },
};

export const noticeRecordsProjection = documentsProjection('notice-records', 1, [notices, contacts, templates]);
const projections = [noticeRecordsProjection.name];

class NoticesParams extends ListParams {
  /** An office (`governor`) or an agency (`agency:gas`). */
  @IsOptional() @IsString() @MaxLength(120) recipient?: string;
  @IsOptional() @IsIn(STATUSES) status?: string;
}
class IdParams {
  @Id() id!: string;
}
interface Row<Doc> {
  id: string;
  doc: Doc;
}
const item = <Doc extends object>({ id, doc }: Row<Doc>) => ({ id, ...doc });

export const noticesQuery = query({
  path: 'notices',
  summary: 'Notices, the latest first: who was told when and by which channel, and who could not be.',
  params: NoticesParams,
  projections,
  find: ({ recipient, status, ...page }, scoped) =>
    scoped.page<Row<NoticeDocument>, object>(page, {
      kind: kinds.notices,
      where: matching({ recipient, status }),
      order: ['at', 'id'],
      descending: true,
      item,
    }),
});

export const noticeQuery = query({
  path: 'notices/:id',
  summary: 'One notice.',
  params: IdParams,
  projections,
  async find({ id }, scoped) {
    const row = await scoped.row<Row<NoticeDocument>>(sql`select id, doc from ${kinds.notices} r where r.id = ${id}`);
    return row && item(row);
  },
});

export const contactsQuery = query({
  path: 'contacts',
  summary: 'Who is told where, as commands have set it: channels in the order in which they are tried.',
  params: ListParams,
  projections,
  find: (page, scoped) =>
    scoped.page<Row<ContactsDocument>, object>(page, { kind: kinds.contacts, order: ['id'], item: ({ doc }) => doc }),
});

/** How it stands, what may stand in it, how it looks, and how long an SMS of it is. */
function shown(id: string, doc?: TemplateDocument) {
  const template = templateInForce(id, doc?.versions.at(-1));
  return { id, ...template, placeholders: placeholdersOf(id), sample: sampleOf(id, template) };
}

export const noticeTemplatesQuery = query({
  path: 'notice-templates',
  summary: 'The words of notices by kind and channel, each with a sample; of an SMS, how many segments it takes.',
  params: class {},
  projections,
  async find(_, scoped) {
    const rows = await scoped.rows<Row<TemplateDocument>>(sql`select id, doc from ${kinds.noticeTemplates} r`);
    const docs = new Map(rows.map(({ id, doc }) => [id, doc]));
    return { items: TEMPLATE_IDS.map((id) => shown(id, docs.get(id))) };
  },
});

export const noticeTemplateQuery = query({
  path: 'notice-templates/:id',
  summary: 'The words of one kind of notice by one channel, with every version that was defined.',
  params: IdParams,
  projections,
  async find({ id }, scoped) {
    if (!TEMPLATE_IDS.includes(id)) return undefined;
    const row = await scoped.row<Row<TemplateDocument>>(
      sql`select id, doc from ${kinds.noticeTemplates} r where r.id = ${id}`,
    );
    return { ...shown(id, row?.doc), versions: row?.doc.versions ?? [] };
  },
});

export const noticesQueries: readonly Query[] = [
  noticesQuery,
  noticeQuery,
  contactsQuery,
  noticeTemplatesQuery,
  noticeTemplateQuery,
];
