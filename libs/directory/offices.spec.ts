import { officeDay, officeOn } from './offices.js';

const appoint = (person: string, from: string, to?: string, office = 'deputy') => ({
  office,
  person,
  from,
  ...(to && { to }),
});
const group = {
  holders: [
    appoint('Ahmadi', '2026-01-01'),
    appoint('Karimi', '2026-03-01', '2026-06-30'),
    appoint('Rezai', '2026-01-01', undefined, 'secretary'),
  ],
  substitutes: [appoint('Moradi', '2026-04-10', '2026-04-20'), appoint('Nouri', '2026-07-10')],
};

describe('who held an office on a day', () => {
  it.each([
    ['2025-12-31', undefined, undefined],
    ['2026-01-01', 'Ahmadi', 'Ahmadi'],
    ['2026-02-28', 'Ahmadi', 'Ahmadi'],
    ['2026-03-01', 'Karimi', 'Karimi'],
    ['2026-04-09', 'Karimi', 'Karimi'],
    ['2026-04-10', 'Karimi', 'Moradi'],
    ['2026-04-20', 'Karimi', 'Moradi'],
    ['2026-04-21', 'Karimi', 'Karimi'],
    ['2026-06-30', 'Karimi', 'Karimi'],
    ['2026-07-01', undefined, undefined],
    ['2026-07-10', undefined, 'Nouri'],
  ])('%s: held by %s, answered for by %s', (day, holder, acting) => {
    const office = officeOn(group, 'deputy', day);
    expect([office.holder, office.acting, office.vacant]).toEqual([holder, acting, holder === undefined]);
  });

  it('of two decided for one day the later decision counts', () => {
    const holders = [appoint('Ahmadi', '2026-01-01'), appoint('Karimi', '2026-01-01')];
    expect(officeOn({ holders, substitutes: [] }, 'deputy', '2026-01-01').holder).toBe('Karimi');
  });

  it('a day begins at midnight in Tehran', () => {
    expect(officeDay('2026-02-28T20:29:59.999Z')).toBe('2026-02-28');
    expect(officeDay('2026-02-28T20:30:00.000Z')).toBe('2026-03-01');
  });
});
