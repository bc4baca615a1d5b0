import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { compose, type Running } from '#apps/compose';
import { readConfig } from '#apps/config';
import { load } from '#apps/cli/load';
import { parseLines } from '#apps/cli/lines';
import { alarmsSha256 } from '#apps/cli/picture';
import { tokenFor } from '#apps/cli/token';
import { Simulation } from '#apps/simulation';
import type { RecordedEvent, Role } from '#kernel';
import { embeddedConnection } from '#stores';
import { dataFolder, peygir } from '#test/kit/cli';
import { eventually, silent } from '#test/kit/worker';

/** The first Tuesdays: enough for a load to be stopped in the middle. */
const LINES = 400;
const text = readFileSync('apps/cli/data/economic-tuesdays.ndjson', 'utf8').split('\n').slice(0, LINES);

describe('a province that was loaded', () => {
  const [data, remove] = dataFolder();
  const file = join(data, 'tuesdays.ndjson');
  const config = readConfig({ PEYGIR_DATA: data, PORT: '0', LOG_LEVEL: 'silent' });
  let running: Running;
  const token = (role: Role) => tokenFor(config, { role, expires: 600 });
  const target = async () => ({ server: running.url, token: await token('registrar') });
  const cli = async (...args: string[]) => {
    const run = peygir([...args, '--server', running.url], { PEYGIR_DATA: data });
    return { code: await run.ended, ...run.said };
  };

  beforeAll(async () => {
    writeFileSync(file, text.join('\n'));
    running = await compose(config, silent);
  });
  afterAll(async () => {
    await running.close();
    remove();
  });

  const ask = async (role: Role, method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${await token(role)}`, 'content-type': 'application/json' };
    const answer = await fetch(`${running.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const recorded = async (): Promise<RecordedEvent[]> =>
    (await running.store.readAll('0', 10_000)).events.filter(({ type }) => !type.startsWith('Notice'));

  it('killed in the middle and started again, ends where a simulation ends; again, it changes nothing', async () => {
    const killed = peygir(['load', file, '--server', running.url], { PEYGIR_DATA: data });
    await eventually(async () => killed.said.err.includes('Loading 200/'));
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');
    expect((await recorded()).length).toBeGreaterThan(100);

    expect(await load(file, await target())).toEqual({ lines: LINES, refused: [] });
    // The dead load's lease runs out, and what waited for it is settled.
    const client = new pg.Client(embeddedConnection(data));
    await client.connect();
    await client.query('update imports set lease_until = now() where ended_at is null');
    await client.end();
    await running.told();

    const all: RecordedEvent[] = [];
    const simulation = new Simulation((event) => all.push(event));
    for (const line of parseLines(text.join('\n'), file)) await simulation.send(line);
    const until = new Date().toISOString();
    await simulation.advance(until);
    const live = await recorded();
    expect(alarmsSha256(live)).toBe(alarmsSha256(all));
    const shape = (events: RecordedEvent[]) => events.map(({ stream, type }) => `${stream} ${type}`).toSorted();
    expect(shape(live)).toEqual(shape(all));

    expect(await load(file, await target())).toEqual({ lines: LINES, refused: [] });
    expect(await recorded()).toEqual(live);
  });

  it('tells why a date is what it is, over HTTP and on the command line', async () => {
    const missed = (await recorded()).find(({ type }) => type === 'DeadlineMissed')!;
    const [resolution, obligation] = [missed.stream.slice('resolution-'.length), missed.data.obligation];
    const { status, text } = await ask(
      'governor',
      'GET',
      `/v1/obligations/${resolution}/${obligation}/why?language=en`,
    );
    expect(status).toBe(200);
    const account = JSON.parse(text);
    expect(account.chapters.at(-1).dueAt).toBe(missed.data.dueAt);
    const told = await cli('why', resolution, obligation, '--language', 'en');
    expect(told.out.trimEnd()).toBe(account.story.join('\n'));
    expect((await cli('why', resolution, obligation)).out).toMatch(/روز کاری [۰-۹]/);
    expect((await ask('admin', 'GET', `/v1/obligations/${resolution}/${obligation}/why`)).status).toBe(403);
    expect((await ask('governor', 'GET', `/v1/obligations/${resolution}/nope/why`)).status).toBe(404);
  });

  it('shows beforehand what a closure or a ladder would change, and changes nothing', async () => {
    const before = new Set((await recorded()).map(({ id }) => id));
    const day = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
    const data = { dates: [day], reason: 'آلودگی هوا', decree: 'م/۱' };
    const closure = { command: 'DeclareClosure', id: 'offices', data };
    const { status, text } = await ask('governor', 'POST', '/v1/what-if', closure);
    expect(status).toBe(200);
    const { differences } = JSON.parse(text);
    expect(differences.length).toBeGreaterThan(0);
    for (const { difference, from, at } of differences) {
      if (difference === 'moves') expect(at > from).toBe(true);
    }
    const rungs = [{ id: 'minister', when: { after: { workingDays: 200 } }, action: 'escalate', to: 'governor' }];
    const ladder = await ask('admin', 'POST', '/v1/what-if', {
      command: 'DefineLadder',
      id: 'standard',
      data: { rungs },
    });
    const changes = JSON.parse(ladder.text).differences as { difference: string; what: string }[];
    expect(changes.some(({ difference, what }) => difference === 'vanishes' && what.startsWith('inspection+'))).toBe(
      true,
    );

    expect((await ask('secretary', 'POST', '/v1/what-if', closure)).status).toBe(403);
    const past = { ...closure, data: { ...data, dates: ['2020-01-01'] } };
    expect((await ask('governor', 'POST', '/v1/what-if', past)).status).toBe(422);
    expect((await ask('governor', 'POST', '/v1/what-if', { ...closure, id: 'nowhere' })).status).toBe(404);
    // The province lives on meanwhile (policies, digests), but nobody's command and no moved deadline came of asking.
    const since = (await recorded()).filter(
      ({ id, type, metadata }) => !before.has(id) && (metadata.actor.role !== 'engine' || type === 'DeadlineMoved'),
    );
    expect(since).toEqual([]);
  });

  it('decides its own log again and finds no verdict that would differ', async () => {
    const { code, out, err } = await cli('check-upgrade');
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toContain('no verdict would differ');
  });

  it('lists what was refused with its line, and goes on; --strict makes that its exit code', async () => {
    const unit = (id: string, rest: object = {}) =>
      JSON.stringify({
        at: '2026-11-01T08:00:00Z',
        as: { id: 's', role: 'secretary' },
        command: 'RegisterUnit',
        id,
        data: { name: 'کارخانه', size: 'small', classes: [], sector: 'food' },
        ...rest,
      });
    const mixed = join(data, 'mixed.ndjson');
    writeFileSync(
      mixed,
      [
        unit('good-1'),
        unit('no-1', { as: { id: 'e', role: 'expert' } }),
        unit('bad id'),
        unit('no-2', { data: {} }),
        unit('good-2'),
      ].join('\n'),
    );
    const { code, err } = await cli('load', mixed);
    expect({ code, err }).toMatchObject({ code: 0 });
    const refused = err.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
    expect(refused).toMatchObject([
      { refused: 'forbidden', line: 2, command: 'RegisterUnit', id: 'no-1' },
      { refused: 'invalid', line: 3, id: 'bad id', detail: expect.stringContaining('id: ') },
      { refused: 'invalid', line: 4, id: 'no-2' },
    ]);
    expect(err).toContain('5 commands sent, 3 refused.');
    const streams = (await recorded()).map(({ stream }) => stream);
    expect(streams).toEqual(expect.arrayContaining(['unit-good-1', 'unit-good-2']));

    expect((await cli('load', mixed, '--strict')).code).toBe(1);
  });

  it('sends nothing from a malformed file', async () => {
    const bad = join(data, 'bad.ndjson');
    writeFileSync(bad, `${text[0]}\nnonsense`);
    const { code, err } = await cli('load', bad);
    expect(code).toBe(1);
    expect(err).toContain('bad.ndjson, line 2: is not JSON');
    expect(err).not.toContain('Loading');
  });

  it('says in a sentence why it cannot begin', async () => {
    await expect(load(file, { server: running.url, token: await token('secretary') })).rejects.toThrow(
      'The import was not opened: Imports are for the registrar',
    );
    await expect(load(file, { server: 'http://127.0.0.1:2', token: 'x', patienceMs: 300 })).rejects.toThrow(
      'does not answer: connect ECONNREFUSED 127.0.0.1:2. Is it running?',
    );
    expect((await cli('load', join(data, 'none.ndjson'))).err).toContain('no such file');
  });
});
