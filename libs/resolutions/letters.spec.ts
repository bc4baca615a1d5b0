import { register } from './letters.js';

const YEAR = 1405;
const letters = (...numbers: string[]) =>
  numbers.map((letterNumber, index) => ({ resolution: `r-${index}`, letterNumber, at: '2026-08-25T05:30:00.000Z' }));
const next = (...numbers: string[]) => register(letters(...numbers), YEAR, () => YEAR).next;

describe('the register of letters', () => {
  it('proposes the number after the last one, in its series and its digits', () => {
    expect(next()).toBe('۱۴۰۵/۱');
    expect(next('۱۴۰۵/۱۲۳')).toBe('۱۴۰۵/۱۲۴');
    expect(next('1405/9', '۱۴۰۵/۱۰')).toBe('۱۴۰۵/۱۱');
    expect(next('الف-99')).toBe('الف-100');
    // A letter of another series, or of an older number, came between.
    expect(next('1405/7', '1405/3')).toBe('1405/8');
    expect(next('1405/7', 'بدون شماره')).toBe('1405/8');
  });

  it('begins a series anew with the Jalali year that it names', () => {
    const last = letters('۱۴۰۴/۵۱۲', '۷۷');
    expect(register(last.slice(0, 1), 1405, () => 1404).next).toBe('۱۴۰۵/۱');
    expect(register(last, 1405, () => 1404).next).toBe('۷۸');
  });

  it('names what is missing between and what was given twice, and no more than a hundred of them', () => {
    expect(register(letters('1405/1', '1405/2', '۱۴۰۵/۲', '1405/5'), YEAR, () => YEAR)).toMatchObject({
      gaps: ['1405/3', '1405/4'],
      doubles: ['1405/2'],
    });
    expect(register(letters('1', '999999999'), YEAR, () => YEAR).gaps).toHaveLength(100);
  });
});
