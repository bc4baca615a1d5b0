import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alarmsSha256, paint, type Picture } from '#apps/cli/picture';
import { parseLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import type { RecordedEvent } from '#kernel';
import { dataFolder, peygir } from '#test/kit/cli';

const TUESDAYS = 'apps/cli/data/economic-tuesdays.ndjson';

/** What the same lines give on a virtual clock. */
async function simulated(until: string): Promise<{ events: Record<string, number>; alarmsSha256: string }> {
  const all: RecordedEvent[] = [];
  const simulation = new Simulation((event) => all.push(event));
  for (const line of parseLines(readFileSync(TUESDAYS, 'utf8'), TUESDAYS)) await simulation.send(line);
  await simulation.advance(until);
  const events: Record<string, number> = {};
  for (const { type } of all) events[type] = (events[type] ?? 0) + 1;
  return { events, alarmsSha256: alarmsSha256(all) };
}

describe('npm run demo', () => {
  const [data, remove] = dataFolder();
  afterAll(remove);
  const demo = async (...args: string[]) => {
    const { said, ended } = peygir(['demo', '--exit', ...args], { PEYGIR_DATA: data, PORT: '', SMTP_URL: '' });
    return { code: await ended, ...said };
  };
  const stillRunning = () =>
    readdirSync(data).filter((folder) => existsSync(join(data, folder, 'postgres', 'postmaster.pid')));

  it('loads the nine Tuesdays, and what became of them is what a simulation says', async () => {
    const first = await demo('--json');
    expect(first).toMatchObject({ code: 0 });
    const picture = JSON.parse(first.out) as Picture;
    expect(picture).toMatchObject({
      sessions: 9,
      cases: 126,
      casesInNinth: 10,
      visitsOfNinth: 3,
      averageCasesPerSession: 14,
      refused: 0,
      told: {},
    });
    const { NoticeFailed, ...events } = picture.events;
    expect({ events, alarmsSha256: picture.alarmsSha256 }).toEqual(await simulated(picture.until));
    // One letter for each recipient, though it was to none: 15 offices and agencies.
    expect(NoticeFailed).toBe(Object.keys(picture.notTold).length);
    expect(stillRunning()).toEqual([]);

    expect(paint(picture, false)).toContain(
      '9 sessions, 126 cases, 14 a session on average; the ninth with 10 cases and 3 visits',
    );
  });

  it("takes another province's Tuesdays, and reports commands that are refused or not known", async () => {
    const [group, ...rest] = readFileSync(TUESDAYS, 'utf8')
      .split('\n')
      .filter((line) => /EstablishWorkingGroup|DefineCalendar/.test(line));
    const other = join(data, 'other.ndjson');
    const unknown = JSON.stringify({ ...JSON.parse(group!), command: 'PaintWorkingGroup' });
    writeFileSync(other, [group, unknown, ...rest].join('\n'));
    const { out, err } = await demo('--file', other);
    expect(out).toContain('0 sessions, 0 cases');
    expect(err).toContain('"refused":"unknown-command","line":2,"command":"PaintWorkingGroup"');
    expect(stillRunning()).toEqual([]);
  });

  it('sends nothing of a file with a malformed line, and names the line', async () => {
    const bad = join(data, 'bad.ndjson');
    writeFileSync(bad, `${readFileSync(TUESDAYS, 'utf8').split('\n')[0]}\n{"at":1}\n`);
    const { code, out, err } = await demo('--json', '--file', bad);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain(`peygir: ${bad}, line 2, field "at": must be a text`);
    expect(stillRunning()).toEqual([]);
  });
});
