import { readFileSync } from 'node:fs';
import type { RecordedEvent } from '#kernel';
import { parseLines } from '#apps/cli/lines';
import { alarmsSha256 } from '#apps/cli/picture';
import { Simulation } from '#apps/simulation';

const DATA = new URL('./cli/data/', import.meta.url);

const counted = (values: string[]) =>
  values.reduce<Record<string, number>>((counts, value) => ({ ...counts, [value]: (counts[value] ?? 0) + 1 }), {});

describe('the nine Economic Tuesdays', () => {
  it('come out as the independent model of the contract says, to the last count and alarm', async () => {
    const expected = JSON.parse(readFileSync(new URL('economic-tuesdays.expected.json', DATA), 'utf8'));
    const file = new URL('economic-tuesdays.ndjson', DATA);
    const events: RecordedEvent[] = [];
    const simulation = new Simulation((event) => events.push(event));
    let refused = 0;
    for (const line of parseLines(readFileSync(file, 'utf8'), file.pathname)) {
      if (await simulation.send(line)) refused++;
    }
    await simulation.advance(expected.until);

    const types = counted(events.map(({ type }) => type));
    expect({
      refused,
      events: Object.fromEntries(Object.keys(expected.events).map((type) => [type, types[type]])),
    }).toEqual({
      refused: expected.refused,
      events: expected.events,
    });
    const statuses = [...simulation.resolutions.values()].flatMap(({ state }) =>
      state.obligations.map(({ status }) => status),
    );
    expect(counted(statuses)).toEqual(expected.obligationStatus);
    expect(counted(events.filter(({ type }) => type === 'ObligationEscalated').map(({ data }) => data.to))).toEqual(
      expected.escalatedTo,
    );
    expect(alarmsSha256(events)).toBe(expected.alarmsSha256);
  });
});
