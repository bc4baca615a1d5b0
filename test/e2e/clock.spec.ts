import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueToken } from '#apps/api/auth';
import type { RecordedEvent, Role } from '#kernel';
import { dataFolder, peygir, type Run } from '#test/kit/cli';

const TUESDAYS = 'apps/cli/data/economic-tuesdays.ndjson';
/** Until the resolutions of the first session have been communicated and most of them answered or not. */
const LINES = 260;

describe('a running province', () => {
  const [data, remove] = dataFolder();
  const env = { PEYGIR_DATA: data, PORT: '0', SMTP_URL: '' };
  const file = join(data, 'tuesdays.ndjson');
  let server: Run;
  let url = '';

  const cli = async (...args: string[]) => {
    const { said, ended } = peygir(args, env);
    return { code: await ended, ...said };
  };
  const token = (role: Role) => issueToken(data, { sub: role, role, province: 'IR-03' }, 600);
  const ask = async (role: Role, method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${await token(role)}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return { status: answer.status, text: await answer.text() };
  };
  /** Waits until the child has said something. */
  const heard = (run: Run, words: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const listen = () => {
        const found = words.exec(run.said.err);
        if (found) resolve(found);
      };
      run.child.stderr!.on('data', listen);
      void run.ended.then(() => reject(new Error(run.said.err)));
      listen();
    });
  const log = async (): Promise<RecordedEvent[]> =>
    (await ask('oversight', 'GET', '/v1/events?limit=10000')).text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RecordedEvent);

  beforeAll(async () => {
    const lines = readFileSync(TUESDAYS, 'utf8').split('\n').slice(0, LINES);
    writeFileSync(file, lines.join('\n'));
    server = peygir(['start'], env);
    url = (await heard(server, /on (http:\S+)/))[1]!;
    expect(await cli('load', file, '--server', url, '--strict')).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(async () => {
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    remove();
  }, 30_000);

  it('tells why a date is what it is, over HTTP and on the command line', async () => {
    const missed = (await log()).find(({ type }) => type === 'DeadlineMissed')!;
    const [resolution, obligation] = [missed.stream.slice('resolution-'.length), missed.data.obligation];
    const { status, text } = await ask(
      'governor',
      'GET',
      `/v1/obligations/${resolution}/${obligation}/why?language=en`,
    );
    expect(status).toBe(200);
    const account = JSON.parse(text);
    expect(account.chapters.at(-1).dueAt).toBe(missed.data.dueAt);
    const told = await cli('why', resolution, obligation, '--server', url, '--language', 'en');
    expect(told.out.trimEnd()).toBe(account.story.join('\n'));
    expect((await cli('why', resolution, obligation, '--server', url)).out).toMatch(/روز کاری [۰-۹]/);
    expect((await ask('admin', 'GET', `/v1/obligations/${resolution}/${obligation}/why`)).status).toBe(403);
    expect((await ask('governor', 'GET', `/v1/obligations/${resolution}/nope/why`)).status).toBe(404);
  }, 120_000);

  it('shows beforehand what a closure or a ladder would change, and changes nothing', async () => {
    const before = new Set((await log()).map(({ id }) => id));
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
    const since = (await log()).filter(
      ({ id, type, metadata }) => !before.has(id) && (metadata.actor.role !== 'engine' || type === 'DeadlineMoved'),
    );
    expect(since).toEqual([]);
  }, 120_000);

  it('decides its own log again and finds no verdict that would differ', async () => {
    const { code, out, err } = await cli('check-upgrade', '--server', url);
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toContain('no verdict would differ');
  }, 120_000);
});
