import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Frontier,
  formatProof,
  inclusionProof,
  leafBytes,
  leafHash,
  signerKey,
  vkey,
  type Hash,
  type Leaf,
} from '#audit';
import { readLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import { folder } from '#apps/verifier/folder';
import { exitCode, sentences, type Report } from '#apps/verifier/report';
import { verify, type Brought } from '#apps/verifier/verify';
import { at, communicated, obligation, say, tell } from '#test/kit/timeline';
import { checkpointOf, claimsOf, exported, LOG, POLICY, WITNESSES } from '#test/kit/audit';

/** The nine Tuesdays, as they happened, and as the log stood in the fifth. Nobody changes them; drills work on copies. */
let whole: readonly Leaf[];
let truth: readonly Leaf[];
beforeAll(async () => {
  const events: Leaf[] = [];
  const simulation = new Simulation((event) => events.push(event));
  for await (const line of readLines('apps/cli/data/economic-tuesdays.ndjson')) await simulation.send(line);
  await simulation.advance('2026-11-22T08:30:00.000Z');
  whole = Object.freeze(events);
  truth = Object.freeze(events.slice(0, 900));
});

/** Exports, spoils the folder, verifies. @returns `code` of the exit and the codes of all findings */
async function drill(
  events: readonly Leaf[],
  {
    spoil = () => {},
    brought,
    ...more
  }: { spoil?: (dir: string) => void; brought?: Brought } & Parameters<typeof exported>[1] = {},
): Promise<{ code: number; codes: string[]; report: Report }> {
  const { dir, remove } = await exported(events, more);
  try {
    spoil(dir);
    const report = await verify(folder(dir), brought);
    return { code: exitCode(report), codes: [...new Set(report.findings.map(({ code }) => code))], report };
  } finally {
    remove();
  }
}

const copy = (): Leaf[] => structuredClone(truth) as Leaf[];
/** Whoever removes something and owns every key makes the versions of streams fit again. */
function renumbered(events: Leaf[]): Leaf[] {
  const next = new Map<string, number>();
  return events.map((event) => {
    const revision = next.get(event.stream) ?? 0;
    next.set(event.stream, revision + 1);
    return { ...event, revision };
  });
}
const without = (gone: (event: Leaf) => boolean) => renumbered(copy().filter((event) => !gone(event)));
const inFile = (file: string, change: (bytes: Buffer) => void) => (dir: string) => {
  const bytes = readFileSync(join(dir, file));
  change(bytes);
  writeFileSync(join(dir, file), bytes);
};

async function receipt(events: readonly Leaf[], index: number): Promise<string> {
  const nodes = new Map<string, Hash>();
  const tree = Frontier.empty();
  for (const event of events) tree.append(leafHash(leafBytes(event)), (h, i, hash) => nodes.set(`${h}/${i}`, hash));
  const hashes = await inclusionProof(index, events.length, (h, i) => nodes.get(`${h}/${i}`)!);
  return formatProof({ index, hashes, checkpoint: checkpointOf(events), extra: leafBytes(events[index]!) });
}

describe('an honest export', () => {
  it('passes all ten stages, and every clock comes out as it was recorded', async () => {
    const half = whole.slice(0, 1_000);
    const { code, report } = await drill(whole, {
      kept: [checkpointOf(whole.slice(0, 1)), checkpointOf(half), checkpointOf(whole)],
      receipts: [await receipt(half, 500)],
      brought: {
        key: vkey(LOG),
        since: checkpointOf(half),
        receipts: [{ name: 'gas', text: await receipt(half, 42) }],
      },
    });
    expect(report.findings).toEqual([]);
    expect(code).toBe(0);
    expect([...sentences(report)].filter((line) => line.startsWith('✓'))).toHaveLength(10);
    expect(report.notes.join()).toMatch(/2192 entries, 2192 acts, 9\d\d clocks/);
    expect(report.checkpoint!.note).toBe(checkpointOf(whole));
  });

  it('passes with clocks that started when another obligation was met', async () => {
    const first = obligation({ id: 'land' });
    const second = obligation({ id: 'gas', dependsOn: ['land'] });
    const { events } = await tell(
      [
        ...communicated(at('2026-08-25'), [first, second]),
        say(at('2026-08-26'), { role: 'agency', agency: 'gas' }, 'ReportCompliance', 'r', {
          obligation: 'land',
          evidence: [],
        }),
        say(at('2026-08-30'), 'expert', 'VerifyCompliance', 'r', { obligation: 'land' }),
      ],
      at('2026-09-20'),
    );
    expect(events.map(({ type }) => type)).toContain('DeadlineStarted');
    const { code, report } = await drill(events as Leaf[]);
    expect(report.findings).toEqual([]);
    expect(code).toBe(0);
    const early = events.map((event) =>
      event.type === 'DeadlineStarted'
        ? { ...event, data: { ...event.data, dueAt: at('2026-09-01', '14:30') } }
        : event,
    );
    expect((await drill(early as Leaf[])).codes).toContain('clock');
  });

  it('passes for one case, one session and one agency, with a receipt for each entry and nothing of the others', async () => {
    const of = truth.find(({ type }) => type === 'CaseTabled')!.stream.slice('case-'.length);
    for (const [kind, id] of [
      ['case', of],
      ['session', 'facilitation-4'],
      ['agency', 'gas'],
    ] as const) {
      const scope = { kind, id };
      const { dir, remove } = await exported(truth, { scope });
      try {
        const entries: number[] = JSON.parse(readFileSync(join(dir, 'entries.json'), 'utf8'));
        const streams = new Set(entries.map((index) => truth[index]!.stream));
        expect(streams).toContain('calendar-offices');
        if (kind !== 'agency') expect(streams).toContain(`${kind}-${id}`);
        if (kind === 'case')
          expect([...streams].filter((stream) => stream.startsWith('case-'))).toEqual([`case-${of}`]);
        const claims = claimsOf(
          entries.map((index) => truth[index]!),
          false,
        );
        writeFileSync(join(dir, 'claims.json'), JSON.stringify(claims));
        const report = await verify(folder(dir), { since: checkpointOf(truth.slice(0, 77)) });
        expect(report.findings).toEqual([]);
        const proofs = readdirSync(join(dir, 'entries')).filter((name) => name.endsWith('.tlog-proof'));
        expect(proofs).toHaveLength(entries.length);
        const text = readFileSync(join(dir, 'entries', proofs[0]!), 'utf8');
        expect((await verify(folder(dir), { receipts: [{ name: 'own', text }] })).findings).toEqual([]);
      } finally {
        remove();
      }
    }
  });
});

describe('tampering has a verdict of its own:', () => {
  it('one byte flipped in an entry', async () => {
    const { code, codes } = await drill(truth, { spoil: inFile('tile/entries/002', (bytes) => (bytes[5_000]! ^= 1)) });
    expect([code, codes[0]]).toEqual([12, 'entry-changed']);
  });

  it('one byte flipped in a tile', async () => {
    const { code, codes } = await drill(truth, { spoil: inFile('tile/1/000.p/3', (bytes) => (bytes[40]! ^= 1)) });
    expect([code, codes]).toEqual([12, ['root']]);
  });

  it('the last ten dropped and signed again, shown to who was there before', async () => {
    const { code, codes } = await drill(truth.slice(0, -10), { brought: { since: checkpointOf(truth) } });
    expect([code, codes]).toEqual([13, ['shrunk']]);
    const paper = { size: truth.length, root: checkpointOf(truth).split('\n')[2]! };
    expect((await drill(truth.slice(0, -10), { brought: { since: paper } })).codes).toEqual(['shrunk']);
  });

  it('one deleted in the middle and everything signed again', async () => {
    const claim = truth.find(({ type }) => type === 'AgencyComplied')!;
    const gone = copy().filter(({ id }) => id !== claim.id);
    const stranger = await drill(gone);
    expect([stranger.code, stranger.codes[0]]).toEqual([15, 'stream-gap']);
    const visitor = await drill(gone, { brought: { since: checkpointOf(truth.slice(0, 800)) } });
    expect([visitor.code, visitor.codes[0]]).toEqual([13, 'history-changed']);
  });

  it('the log against its own kept checkpoints', async () => {
    const changed = copy();
    changed[10]!.data.name = 'نام دیگر';
    const { code, codes } = await drill(changed, { kept: [checkpointOf(truth.slice(0, 11))] });
    expect([code, codes]).toEqual([13, ['kept-checkpoint']]);
  });

  it('two swapped', async () => {
    const swapped = copy();
    [swapped[700], swapped[705]] = [swapped[705]!, swapped[700]!];
    const { code, codes } = await drill(swapped);
    expect([code, codes]).toEqual([15, expect.arrayContaining(['order'])]);
  });

  it('two histories of one size, shown to two auditors', async () => {
    const other = copy();
    other.at(-1)!.data = { ...other.at(-1)!.data, note: 'دیگر' };
    const { code, codes } = await drill(other, { brought: { since: checkpointOf(truth) } });
    expect([code, codes[0]]).toEqual([13, 'split-view']);
  });

  it('an evidence file changed, or gone', async () => {
    const bytes = Buffer.from('%PDF صورتجلسهٔ تحویل');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const events = copy();
    events.find(({ type }) => type === 'AgencyComplied')!.data.evidence = [
      { name: 'تحویل.pdf', sha256, mediaType: 'application/pdf', bytes: bytes.length },
    ];
    const evidence = async (hash: string) => (hash === sha256 ? bytes : undefined);
    expect((await drill(events, { evidence })).codes).toEqual([]);
    const spoil = (dir: string) => writeFileSync(join(dir, 'evidence', sha256), 'another');
    expect(await drill(events, { evidence, spoil })).toMatchObject({ code: 16, codes: ['evidence-changed'] });
    const lose = (dir: string) => rmSync(join(dir, 'evidence', sha256));
    expect(await drill(events, { evidence, spoil: lose })).toMatchObject({ code: 16, codes: ['evidence-missing'] });
    expect((await drill(events)).codes).toEqual([]); // listed as lying elsewhere
  });

  it('a holiday added later to erase a miss', async () => {
    const missed = truth.find(({ type, data }) => type === 'DeadlineMissed' && data.basis)!;
    const erased = without(
      ({ stream, type }) => stream === missed.stream && ['DeadlineMissed', 'ObligationEscalated'].includes(type),
    );
    const alone = await drill(erased);
    expect([alone.code, alone.codes]).toEqual([18, ['clock']]);
    // … and the calendar says, since long ago, that the day was none. Then others' verdicts no longer fit.
    const calendar = erased.find(
      ({ stream, type }) => stream === `calendar-${missed.data.basis.calendar}` && type === 'CalendarDefined',
    )!;
    calendar.data.holidays = [...calendar.data.holidays, { date: missed.data.dueAt.slice(0, 10), name: 'تعطیل' }];
    const both = await drill(erased);
    expect([both.code, both.codes]).toEqual([18, ['clock']]);
  });

  it('another key', async () => {
    const thief = signerKey(LOG.name, new Uint8Array(32).fill(66));
    const checkpoint = checkpointOf(truth, thief);
    const policy = POLICY.replace(vkey(LOG), vkey(thief));
    expect((await drill(truth, { checkpoint, policy })).codes).toEqual([]); // who knows no key sees nothing
    expect(await drill(truth, { checkpoint, policy, brought: { key: vkey(LOG) } })).toMatchObject({
      code: 11,
      codes: ['other-key'],
    });
    expect(await drill(truth, { checkpoint, policy, brought: { policy: POLICY } })).toMatchObject({
      code: 11,
      codes: ['other-key'],
    });
  });

  it('the checkpoint of another log, and a signature that does not hold', async () => {
    const other = signerKey('other.example/log', new Uint8Array(32).fill(1));
    expect((await drill(truth, { checkpoint: checkpointOf(truth, other) })).codes).toEqual(['other-log']);
    const forged = checkpointOf(truth).replace(
      /(— peygir\S+ .{20})(.)/,
      (_, line, c) => line + (c === 'A' ? 'B' : 'A'),
    );
    expect(await drill(truth, { checkpoint: forged })).toMatchObject({ code: 11, codes: ['signature-forged'] });
  });

  it('a smaller scope than was asked for, and the earlier checkpoint of another log', async () => {
    const nothing = (dir: string) => {
      writeFileSync(join(dir, 'export.json'), JSON.stringify({ format: 'peygir-export/1', scope: { kind: 'case', id: 'c-004' }, size: truth.length })); // prettier-ignore
      writeFileSync(join(dir, 'claims.json'), '{"resolutions":0,"obligations":{}}');
    };
    expect(await drill(truth, { spoil: nothing })).toMatchObject({ code: 15, codes: ['stream-gap'] });
    const other = signerKey('other.example/log', new Uint8Array(32).fill(1));
    const since = checkpointOf(truth.slice(0, 9), other);
    expect((await drill(truth, { brought: { since } })).codes).toEqual(['other-log']);
  });

  it('a witness missing, and a witness forged', async () => {
    const few = checkpointOf(truth, LOG, WITNESSES.slice(0, 1));
    expect(await drill(truth, { checkpoint: few })).toMatchObject({ code: 14, codes: ['witness-missing'] });
    const forger = signerKey(WITNESSES[1]!.name, new Uint8Array(32).fill(77), 4);
    const forged = checkpointOf(truth, LOG, [WITNESSES[0]!, { ...forger, id: WITNESSES[1]!.id }, WITNESSES[2]!]);
    expect(await drill(truth, { checkpoint: forged })).toMatchObject({ code: 14, codes: ['witness-forged'] });
  });

  it('claimed numbers doctored', async () => {
    const claims = { ...claimsOf(whole), sessions: 10 };
    const { code, codes, report } = await drill(whole, { claims });
    expect([code, codes]).toEqual([19, ['claims']]);
    expect(report.findings[0]!.detail).toBe('sessions: claimed 10, in the log 9');
    expect((await drill(whole, { claims: { ...claimsOf(whole), happy: 126 } })).codes).toEqual(['claims']);
  });

  it("a gap in minutes' numbers", async () => {
    const fifth = truth.find(({ type, data }) => type === 'SessionScheduled' && data.number === 5)!;
    const { code, codes } = await drill(without(({ id }) => id === fifth.id));
    expect([code, codes[0]]).toEqual([15, 'number-gap']);
    const adopted = truth.find(({ type, data }) => type === 'ResolutionAdopted' && data.ordinal === 2)!;
    expect((await drill(without(({ id }) => id === adopted.id))).codes[0]).toBe('number-gap');
  });

  it('an actor without the office', async () => {
    const events = copy();
    events.find(({ type }) => type === 'MinutesSigned')!.metadata.actor = { id: 'x', role: 'expert' };
    expect(await drill(events)).toMatchObject({ code: 17, codes: ['no-such-power'] });

    const office = copy();
    const established = office.findIndex(({ type }) => type === 'WorkingGroupEstablished');
    const { stream } = office[established]!;
    office.splice(established + 1, 0, {
      ...office[established]!,
      id: 'appointed',
      type: 'HolderAppointed',
      metadata: { ...office[established]!.metadata, command: 'AppointHolder' },
      data: { office: 'governor', person: 'somebody-else', from: '2026-01-01' },
      position: `${office[established]!.position}`,
    });
    const fixed = renumbered(office).map((event, index) => ({ ...event, position: String(index + 1) }));
    const { code, codes } = await drill(fixed);
    expect([code, codes, stream]).toEqual([17, ['not-in-office'], 'workingGroup-facilitation']);
  });

  it('a judge of oneself, and an agency that speaks for another', async () => {
    const events = copy();
    const verified = events.find(({ type }) => type === 'ComplianceVerified')!;
    const issued = events.find(({ stream, type }) => stream === verified.stream && type === 'ResolutionIssued')!;
    const owner = issued.data.obligations.find((o: { id: string }) => o.id === verified.data.obligation).agency;
    verified.metadata.actor = { ...verified.metadata.actor, agency: owner };
    expect(await drill(events)).toMatchObject({ code: 17, codes: ['own-judge'] });
    const other = copy();
    other.find(({ type }) => type === 'AgencyComplied')!.metadata.actor.agency = 'nobody';
    expect((await drill(other)).codes).toEqual(['not-its-own']);
    const alone = copy();
    const judged = alone.find(({ type }) => type === 'ComplianceVerified')!;
    const claim = alone.findLast(
      ({ stream, type, data, position }) =>
        stream === judged.stream &&
        type === 'AgencyComplied' &&
        data.obligation === judged.data.obligation &&
        Number(position) < Number(judged.position),
    )!;
    judged.metadata.actor = { ...judged.metadata.actor, id: claim.metadata.actor.id };
    expect(await drill(alone)).toMatchObject({ code: 17, codes: ['own-judge'] });
  });

  it('a decision dated back', async () => {
    const events = copy();
    const signed = events.findLast(({ type }) => type === 'MinutesSigned')!;
    signed.metadata.occurredAt = new Date(Date.parse(signed.metadata.occurredAt) - 86_400_000).toISOString();
    const { code, codes } = await drill(events);
    expect([code, codes]).toEqual([18, ['back-dated']]);
  });

  it('a verdict turned around, a due instant moved, a claim back-dated', async () => {
    for (const spoil of [
      (e: Leaf[]) => (e.find(({ type, data }) => type === 'AgencyComplied' && data.late)!.data.late = false),
      (e: Leaf[]) =>
        (e.find(({ type }) => type === 'ResolutionCommunicated')!.data.deadlines[0].dueAt = '2027-01-01T11:00:00.000Z'),
      (e: Leaf[]) => (e.find(({ type }) => type === 'ExtensionGranted')!.data.dueAt = '2027-01-01T11:00:00.000Z'),
      (e: Leaf[]) => (e.find(({ type }) => type === 'DeadlineMoved')!.data.to = '2027-01-01T11:00:00.000Z'),
      (e: Leaf[]) =>
        (e.find(({ type, data }) => type === 'AgencyComplied' && data.late)!.metadata.occurredAt =
          '2026-08-26T05:00:00.000Z'),
    ]) {
      const events = copy();
      spoil(events);
      const { code, codes } = await drill(events);
      expect([code, codes.filter((one) => one !== 'back-dated')]).toEqual([18, ['clock']]);
    }
  });

  it('names that read as others', async () => {
    for (const name of ['شرکت \u202egaz', 'گاز\u2067']) {
      const events = copy();
      events.find(({ type }) => type === 'AgencyRegistered')!.data.name = name;
      expect(await drill(events)).toMatchObject({ code: 15, codes: ['look-alike'] });
    }
    const events = copy().map((event) => (event.stream === 'agency-gas' ? { ...event, stream: 'agency-gаs' } : event)); // a Cyrillic а
    const acts = (id: string) => {
      const forged = copy();
      forged.findLast(({ type }) => type === 'MinutesSigned')!.metadata.actor.id = id;
      return drill(forged);
    };
    const honest = truth.findLast(({ type }) => type === 'MinutesSigned')!.metadata.actor.id;
    for (const other of [honest.replace('o', 'о'), `${honest}\u200b`])
      expect(await acts(other)).toMatchObject({ code: 15, codes: ['look-alike'] });
    expect((await acts('خانم کریمی')).codes).toEqual([]);
    const { codes, report } = await drill(events);
    expect(codes).toEqual(['look-alike']);
    expect([...sentences(report)].join('')).not.toMatch(/[\u202a-\u202e]/);
  });

  it('receipts of another history, and receipts that prove nothing', async () => {
    const changed = copy();
    changed[42]!.data = { ...changed[42]!.data, name: 'دیگر' };
    const text = await receipt(changed.slice(0, 100), 42);
    const other = await drill(truth, { brought: { receipts: [{ name: 'gas', text }] } });
    expect([other.code, other.codes]).toEqual([20, ['receipt-other-history']]);
    const good = await receipt(truth, 42);
    const lines = good.split('\n');
    for (const broken of [
      '',
      good.replace('index 42', 'index 43'),
      [...lines.slice(0, 3), ...lines.slice(4)].join('\n'),
      [...lines.slice(0, 4), lines[3], ...lines.slice(4)].join('\n'),
      good.slice(0, -20),
      'x'.repeat(500_000),
    ]) {
      expect((await drill(truth, { brought: { receipts: [{ name: 'b', text: broken }] } })).codes).toEqual([
        'receipt-broken',
      ]);
    }
    expect((await drill(truth.slice(0, 50), { brought: { receipts: [{ name: 'b', text: good }] } })).codes).toEqual([
      'receipt-other-history',
    ]);
  });

  it('an entry that is another spelling of an event, or none', async () => {
    const spell = (bytes: Buffer) => bytes.set(Buffer.from('{ '), 2);
    const { codes } = await drill(truth, { spoil: inFile('tile/entries/000', spell) });
    expect(codes).toEqual(expect.arrayContaining(['entry-changed', 'entry-malformed']));
  });
});

describe('whatever lies in the folder, there is a verdict:', () => {
  const small = () => truth.slice(0, 300);
  it.each([
    ['nothing', (dir: string) => rmSync(join(dir, 'export.json'))],
    ['no checkpoint', (dir: string) => rmSync(join(dir, 'checkpoint'))],
    ['a truncated bundle', (dir: string) => truncateSync(join(dir, 'tile/entries/001.p/44'), 1_000)],
    ['a tile of the wrong size', (dir: string) => truncateSync(join(dir, 'tile/0/000'), 8_191)],
    ['a tile too long', (dir: string) => writeFileSync(join(dir, 'tile/0/000'), Buffer.alloc(8_193))],
    ['a tile missing', (dir: string) => rmSync(join(dir, 'tile/1/000.p/1'))],
    ['a folder for a file', (dir: string) => (rmSync(join(dir, 'claims.json')), mkdirSync(join(dir, 'claims.json')))],
    [
      'a size of millions',
      (dir: string) => writeFileSync(join(dir, 'checkpoint'), checkpointOf(truth).replace('900', '99999999999')),
    ],
    ['a huge manifest', (dir: string) => writeFileSync(join(dir, 'export.json'), ' '.repeat(2_000_000))],
    ['deep JSON', (dir: string) => writeFileSync(join(dir, 'claims.json'), '['.repeat(200_000))],
    ['a null manifest', (dir: string) => writeFileSync(join(dir, 'export.json'), 'null')],
    ['a policy of nonsense', (dir: string) => writeFileSync(join(dir, 'policy'), 'quorum none\nquorum none\n')],
    ['bytes that are no text', (dir: string) => writeFileSync(join(dir, 'checkpoint'), Buffer.from([0xff, 0xfe, 0]))],
  ])('%s', async (_, spoil) => {
    const { code, codes } = await drill(small(), { spoil });
    expect([code, codes]).toEqual([10, ['unreadable']]);
  });

  it('events that are no events', async () => {
    const mad = (data: object, type = 'ResolutionCommunicated') => {
      const events = copy();
      events.find((event) => event.type === type)!.data = data;
      return drill(events, { claims: {} });
    };
    expect((await mad({})).code).toBe(18);
    expect((await mad({ obligations: 'many' }, 'ResolutionIssued')).code).toBe(18);
    expect(
      (await mad({ zone: 'Nowhere/At_all', week: {}, holidays: [], validFrom: 'x' }, 'CalendarDefined')).code,
    ).toBe(18);
  });

  it('clocks that would run for ever', async () => {
    const forged = async (change: (event: Leaf, index: number) => void) => {
      const events = copy();
      events.forEach(change);
      return (await drill(events, { claims: {} })).code;
    };
    const ladders = (change: (obligation: any) => void) =>
      forged(({ type, data }) => type === 'ResolutionIssued' && data.obligations.forEach(change));
    expect(await ladders((o) => (o.repeat = { workingDays: -1 }))).toBe(18);
    // At the end of time every clock has had thousands of rungs.
    const late = await forged((event, index) => {
      if (index > 880) event.recordedAt = event.metadata.occurredAt = '2199-12-30T00:00:00.000Z';
    });
    expect(late).toBe(18);
  });
});
