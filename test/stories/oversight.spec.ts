import { checkProof, parseVkey, Readers, readingsProjection, type ReadLine } from '#audit';
import { Decide, DecideHandler, Loader, systemClock } from '#kernel';
import { createSql, MemoryEventStore } from '#stores';
import { liveDeciders } from '#apps/province';
import { testDatabase } from '#test/kit/postgres';
import { aProvince, eventually, withOffices, withResolution, type Province } from '#test/kit/province';

describe('oversight', () => {
  let province: Province;
  const asks = (path: string, headers: Record<string, string> = {}) =>
    province.asks('oversight', 'GET', path, undefined, headers);
  const reads = async (): Promise<ReadLine[]> => (await asks('audit/reads?limit=1000')).body.items;

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    const { does } = province;
    await does('secretary', 'unit', 'u-1', 'RegisterUnit', { name: 'نساجی', size: 'small', classes: [], sector: 'x' });
    await does('secretary', 'visit', 'v-1', 'PlanVisit', { unit: 'u-1', date: '2026-11-24', reason: 'گاز' });
    await does('secretary', 'visit', 'v-1', 'RecordFindings', {
      findings: 'کورهٔ خاموش',
      needs: [{ category: 'gas', statement: 'گاز وصل نیست' }],
    });
    await eventually(province, 'cases/v-1-1');
    await does('expert', 'case', 'v-1-1', 'ReviewCase', { technicalNote: 'ن', recommendation: 'و', checklist: [] });
    await does('secretary', 'case', 'v-1-1', 'TableCase', { session: 'facilitation-1' });
    await withResolution(province, 'gas', { case: 'v-1-1' });
    await does('governor', 'resolution', 'facilitation-1-1', 'ReferToNational', {
      obligation: 'o1',
      body: 'وزارت نفت',
      basis: 'ماده ۶۱',
    });
    await eventually(province, 'referrals');
  });
  afterAll(() => province.close());

  it('sees a case with everything linked to it, as it was known and as it was in truth', async () => {
    const { body } = await asks('audit/case-v-1-1/linked');
    expect(body.streams.map(({ stream }: { stream: string }) => stream).sort()).toEqual([
      'case-v-1-1',
      'nationalReferral-facilitation-1-1-o1-1',
      'resolution-facilitation-1-1',
      'session-facilitation-1',
      'unit-u-1',
      'visit-v-1',
    ]);
    const of = (stream: string) => body.streams.find((one: { stream: string }) => one.stream === stream);
    expect(of('resolution-facilitation-1-1').state.obligations[0].status).toBe('running');
    // Before it was tabled there was no session in it, and no resolution.
    const reviewed = of('case-v-1-1').events.find(({ type }: { type: string }) => type === 'CaseReviewed').recordedAt;
    for (const axis of ['asOf', 'validAt']) {
      const then = (await asks(`audit/case-v-1-1/linked?${axis}=${reviewed}`)).body;
      expect(then.streams.map(({ stream }: { stream: string }) => stream)).toEqual([
        'case-v-1-1',
        'visit-v-1',
        'unit-u-1',
      ]);
      expect(then.streams[0].state.status).toBe('reviewed');
    }
    expect((await asks('audit/case-nowhere/linked')).status).toBe(404);
  });

  it('sees an agency and the province as of any day', async () => {
    const { body } = await asks('audit/agencies/gas');
    expect(body).toMatchObject({
      agency: 'gas',
      numbers: { running: 1 },
      obligations: [{ resolution: 'facilitation-1-1', obligation: 'o1', status: 'running' }],
    });
    const issued = (await asks('audit/resolution-facilitation-1-1')).body.events[0].recordedAt;
    expect((await asks(`audit/agencies/gas?asOf=${issued}`)).body.numbers).toEqual({ issued: 1 });
    expect((await asks('audit/agencies/bank')).body).toMatchObject({ numbers: {}, obligations: [] });
    expect((await asks('audit/agencies/nobody')).status).toBe(404);
    expect((await asks('audit/summary')).body).toMatchObject({
      sessions: 1,
      agendas: { 'facilitation-1': 1 },
      averageCasesPerSession: 1,
      visits: 1,
    });
    expect((await asks('audit/summary?asOf=2026-01-01T00:00:00Z')).body).toMatchObject({ sessions: 0, visits: 0 });
    for (const path of ['audit/summary', 'audit/reads', 'audit/agencies/gas', 'audit/case-v-1-1/linked'])
      expect((await province.asks('governor', 'GET', path)).status).toBe(403);
  });

  it('is read itself: who, what and why; and following the log does not feed itself', async () => {
    const purpose = encodeURIComponent('شکایت ۱۲');
    await asks('audit/case-v-1-1?asOf=2027-01-01T00:00:00Z', { purpose });
    const before = await reads();
    expect(before[0]).toMatchObject({
      reader: { id: 'oversight-1', role: 'oversight' },
      what: 'GET /v1/audit/case-v-1-1?asOf=2027-01-01T00:00:00Z',
      purpose: 'شکایت ۱۲',
      count: 1,
    });
    // Somebody who polls is one line that counts, wherever he is in the log; nobody else's question is.
    for (let after = 0; after < 5; after += 1) await asks(`events?after=${after}&type=CaseOpened`);
    await province.asks('governor', 'GET', 'events');
    const lines = (await reads()).filter(({ what }) => what.startsWith('GET /v1/events'));
    expect(lines).toMatchObject([{ what: 'GET /v1/events?type=CaseOpened', count: 5 }]);
    // Its own answer says nothing of itself, the next one does.
    const own = ({ what }: ReadLine) => what.startsWith('GET /v1/audit/reads?day');
    const { day } = before[0]!;
    expect((await asks(`audit/reads?day=${day}`)).body.items.some(own)).toBe(false);
    expect((await reads()).some(own)).toBe(true);
  });

  it('gives the receipt of a command to whoever sent it, and to nobody else', async () => {
    const gas = { role: 'agency', agency: 'gas' } as const;
    const sent = await province.asks(
      gas,
      'POST',
      'resolution/facilitation-1-1/AcknowledgeObligation',
      '{"obligation":"o1"}',
      { 'idempotency-key': 'mine-1' },
    );
    expect(sent.status).toBe(200);
    const { status, body, headers } = await province.asks(gas, 'GET', 'receipts/mine-1');
    expect([status, headers.get('content-disposition')]).toEqual([200, 'attachment; filename="mine-1.tlog-proof"']);
    const key = (await asks('checkpoints')).body.key;
    expect(await checkProof(body, undefined, parseVkey(key))).toMatchObject({ checkpoint: { origin: 'peygir/IR-03' } });
    const entry = JSON.parse(Buffer.from(/^extra (.+)$/m.exec(body)![1]!, 'base64').toString());
    expect(entry).toMatchObject({ type: 'ObligationAcknowledged', id: sent.body.events[0].id });
    for (const other of [{ role: 'agency', agency: 'power' }, { role: 'unit', unit: 'u-1' }, 'governor'] as const)
      expect((await province.asks(other, 'GET', 'receipts/mine-1')).status).toBe(404);
    expect((await asks('receipts/mine-1')).status).toBe(200);
    expect((await province.asks(gas, 'GET', 'receipts/mine-1?event=1')).status).toBe(404);
    expect((await province.asks(gas, 'GET', 'receipts/mine-1?event=x')).status).toBe(400);
  });
});

describe('the notes of who read what', () => {
  const reader = { id: 'بازرس ۱', role: 'oversight' } as const;
  let db: Awaited<ReturnType<typeof testDatabase>>;
  let now = '2026-11-23T08:00:00.000Z';
  let readers: Readers;
  let store: MemoryEventStore;
  const handlerOf = () =>
    new DecideHandler({
      store,
      loader: new Loader(store),
      clock: systemClock,
      deciders: liveDeciders,
      province: 'IR-03',
      key: 'k',
      importOpen: async () => false,
    });
  const record = () => readers.record((order) => handlerOf().execute(new Decide(order)));
  const project = async () => {
    const { events } = await store.readAll('0', 1_000);
    await db.pool.query('delete from audit_readings');
    await readingsProjection.apply(events, createSql(db.pool));
    return events;
  };

  beforeAll(async () => {
    db = await testDatabase();
    const sql = createSql(db.pool);
    await sql.query(readingsProjection.schema);
    store = new MemoryEventStore({ clock: systemClock });
    readers = new Readers(sql, { now: () => now });
  });
  afterAll(() => db.close());

  it('become one event for each reader and day, each read once, whatever breaks off between', async () => {
    for (let i = 0; i < 45; i += 1) await readers.note(reader, `GET /v1/audit/case-${i}`, 'x'.repeat(500));
    await Promise.all(Array.from({ length: 30 }, () => readers.note(reader, 'GET /v1/events')));
    now = '2026-11-23T20:30:00.000Z'; // the next day in Tehran
    await readers.note(reader, 'GET /v1/events');
    await readers.note({ id: 'b', role: 'oversight' }, 'GET /v1/events');
    await Promise.all([record(), record()]);
    // Killed before anybody took note that it was recorded: it is sent again, and is the same.
    await record();
    const events = await project();
    expect(events.map(({ stream, data }) => [stream.slice(-12), data.reads.length])).toEqual([
      [expect.stringMatching(/\.2026-11-23$/), 40],
      [expect.stringMatching(/\.2026-11-23$/), 6],
      [expect.stringMatching(/\.2026-11-24$/), 1],
      ['b.2026-11-24', 1],
    ]);
    expect(new Set(events.map(({ stream }) => stream)).size).toBe(3);
    const lines = await readers.list({});
    expect(lines).toHaveLength(48);
    expect(lines.every(({ recorded }) => recorded)).toBe(true);
    expect(lines.find(({ day, what }) => day === '2026-11-23' && what === 'GET /v1/events')!.count).toBe(30);
    await readers.note(reader, 'GET /v1/events');
    expect((await readers.list({ reader: reader.id, day: '2026-11-24' })).map(({ recorded }) => recorded)).toEqual(
      expect.arrayContaining([true, false]),
    );
  });

  it('are in the log after a clean stop', async () => {
    await readers.note(reader, 'GET /v1/audit/summary');
    const stopping = new AbortController();
    const running = readers.run((order) => handlerOf().execute(new Decide(order)), stopping.signal, {
      info() {},
      warn() {},
      error() {},
    });
    stopping.abort();
    await running;
    expect((await project()).at(-1)!.data.reads.map(({ what }: { what: string }) => what)).toContain(
      'GET /v1/audit/summary',
    );
  });
});
