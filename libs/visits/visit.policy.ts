import { splitStream, type Policy } from '#kernel';
import type { OpenCaseData } from '#cases';
import type { VisitEvent } from './visit.js';

type Findings = Extract<VisitEvent, { type: 'VisitFindingsRecorded' }>['data'];

/** Every need that a visit found becomes a case of the visited unit. */
export const visitFindingsOpenCases: Policy = {
  name: 'visit-findings-open-cases',
  on: ['VisitFindingsRecorded'],
  react({ stream, data }) {
    const { unit, needs } = data as Findings;
    const [, visit] = splitStream(stream);
    return needs.map(({ case: id, category, statement }) => {
      const opening: OpenCaseData = { unit, channel: 'visit', category, title: titleOf(statement), statement, visit };
      return { aggregate: 'case', id, name: 'OpenCase', data: opening };
    });
  },
};

const MAX_TITLE = 120;

/** The statement's first line; cut by character, because half of a surrogate pair could not be stored. */
function titleOf(statement: string): string {
  const characters = [...statement.trim().split(/[\r\n]/, 1)[0]!];
  return characters.length > MAX_TITLE ? `${characters.slice(0, MAX_TITLE - 1).join('')}…` : characters.join('');
}
