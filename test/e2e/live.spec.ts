import { composeParts, type Running } from '#apps/compose';
import { aProvince, withOffices, withResolution, type Person, type Province } from '#test/kit/province';
import { SignIn } from '#apps/api/sign-in';
import { startApi } from '#test/kit/http';
import { listen, type Listener, type LiveEvent } from '#test/kit/live';
import { silent } from '#test/kit/worker';

let province: Province;
let second: Running;
const listeners: Listener[] = [];
const GAS: Person = { role: 'agency', agency: 'gas' };

beforeAll(async () => {
  province = await aProvince();
  second = await composeParts({ api: true, worker: false }, province.config, silent);
  await withOffices(province);
  await province.settles();
});
afterEach(() => listeners.splice(0).forEach((one) => one.close()));
afterAll(async () => {
  await second?.close();
  await province?.close();
});

async function hears(who: Person, { url = province.url, after = '' } = {}): Promise<Listener> {
  const authorization = `Bearer ${await province.token(who)}`;
  const made = await listen(url, { authorization, ...(after && { 'last-event-id': after }) });
  listeners.push(made);
  if (made.status === 200) await made.until(({ event }) => event === 'ready' || event === 'reset');
  return made;
}
const about = (stream: string) => (one: LiveEvent) => one.event === 'message' && one.data.stream === stream;
const streams = ({ heard }: Listener) => [...new Set(heard.flatMap(({ data }) => data.stream ?? []))];
/** Everybody hears of a calendar: what had to come before it has come when it is there. */
let fences = 0;
const fence = async (...all: Listener[]) => {
  const id = `fence-${++fences}`;
  await province.does('admin', 'calendar', id, 'DefineCalendar', {
    zone: 'Asia/Tehran',
    week: { sat: '08:00-12:00', sun: null, mon: null, tue: null, wed: null, thu: null, fri: null },
    holidays: [],
    validFrom: '2026-03-21',
  });
  await Promise.all(all.map((one) => one.until(about(`calendar-${id}`))));
};

describe('GET /v1/live', () => {
  it('tells everybody what concerns him and nothing else, on every node, once reads show it', async () => {
    const [governor, far, gas, power, unit, admin, registrar] = await Promise.all([
      hears('governor'),
      hears('governor', { url: second.url }),
      hears(GAS),
      hears({ role: 'agency', agency: 'power' }),
      hears({ role: 'unit', unit: 'u-1' }),
      hears('admin'),
      hears('registrar'),
    ]);
    expect(governor.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(governor.headers.get('x-content-type-options')).toBe('nosniff');
    await withResolution(province);
    const RESOLUTION = 'resolution-facilitation-1-1';
    const communicated = (one: LiveEvent) => one.data.type === 'ResolutionCommunicated';
    const hint = await far.until(communicated);
    expect(hint).toEqual({
      event: 'message',
      id: hint.data.position,
      data: { stream: RESOLUTION, type: 'ResolutionCommunicated', position: expect.any(String) },
    });
    const seen = await province.asks('governor', 'GET', 'resolutions/facilitation-1-1');
    expect(seen.body.status).toBe('communicated');
    await fence(governor, far, gas, power, unit, admin);

    expect(streams(governor)).toEqual(expect.arrayContaining(['session-facilitation-1', RESOLUTION]));
    // What a hint names is what happened; of the rest of a stream that is shared, an agency learns nothing.
    expect(gas.heard.filter(about(RESOLUTION)).map(({ data }) => Object.keys(data))).toContainEqual([
      'position',
      'stream',
    ]);
    expect(streams(gas)).toEqual([RESOLUTION, `calendar-fence-${fences}`]);
    for (const other of [power, unit, admin]) expect(streams(other)).toEqual([`calendar-fence-${fences}`]);
    expect(streams(registrar)).toEqual([]);
    expect(JSON.stringify([governor, gas].map(({ heard }) => heard))).not.toContain('وصل گاز');
  });

  it('goes on after the last event that was seen, on another node too, without a gap or a repeat', async () => {
    const first = await hears('governor');
    await fence(first);
    const { id } = first.heard.findLast(({ event }) => event === 'message')!;
    first.close();
    await fence();
    const missed = `calendar-fence-${fences}`;
    const again = await hears('governor', { url: second.url, after: id });
    await fence(again);
    expect(streams(again)).toEqual([missed, `calendar-fence-${fences}`]);

    // The whole log, from its beginning: what is not kept in memory is read again.
    const all = await hears(GAS, { after: '0' });
    await all.until(about(`calendar-fence-${fences}`));
    expect(streams(all)).toEqual(expect.arrayContaining(['calendar-offices', 'agency-gas']));
    expect(streams(all).some((stream) => stream === 'agency-power' || stream.startsWith('session'))).toBe(false);
    const positions = all.heard.flatMap(({ event, id: at }) => (event === 'message' ? [Number(at)] : []));
    expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
  });

  it('says so when the last event that was seen is of another log', async () => {
    const lost = await hears('governor', { after: '999999999' });
    expect(lost.heard[0]).toMatchObject({ event: 'reset' });
    await fence(lost);
  });

  it('refuses whoever is nobody, and an id that is none', async () => {
    const asked = async (headers: Record<string, string>) =>
      (await fetch(`${province.url}/v1/live`, { headers })).status;
    expect(await asked({})).toBe(401);
    const authorization = `Bearer ${await province.token('governor')}`;
    expect(await asked({ authorization, 'last-event-id': 'x' })).toBe(400);
  });

  it('takes twenty connections of one person and no more, until one of them ends', async () => {
    const person: Person = { role: 'agency', agency: 'power' };
    const open = await Promise.all(Array.from({ length: 20 }, () => hears(person)));
    expect((await hears(person)).status).toBe(429);
    open[0]!.close();
    for (;;) if ((await hears(person)).status === 200) break;
  });

  it('says now and then that nothing is lost, to whoever signed in with a browser too', async () => {
    const signIn = new SignIn();
    const api = await startApi([], { signIn, beatMs: 20 });
    try {
      await api.app.listen(0, '127.0.0.1');
      const cookie = (await signIn.sessions.open({ id: 'governor', role: 'governor' })).split(';')[0]!;
      const made = await listen(await api.app.getUrl(), { cookie });
      listeners.push(made);
      const beat = await made.until(({ event }) => event === 'beat');
      expect(beat.data).toEqual({ position: '0', behind: false });
      await api.app.close();
      await made.ended;
    } finally {
      await api.close();
    }
  });

  it('ends in order when its node stops, and the reader goes on with another', async () => {
    const url = second.url;
    const before = await hears('governor', { url });
    await fence(before);
    const { id } = before.heard.at(-1)!;
    await Promise.all([second.close(), before.ended]);
    await fence();
    const after = await hears('governor', { after: id });
    await after.until(about(`calendar-fence-${fences}`));
  });
});
