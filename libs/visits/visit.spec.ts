import { OpenCaseData } from '#cases';
import { shaped, type RecordedEvent } from '#kernel';
import { as, fact, given } from '#test/kit/given';
import { visitDecider } from './visit.js';
import { visitFindingsOpenCases } from './visit.policy.js';

const plan = { unit: 'u-7', session: 'facilitation-1', date: '2026-08-25', reason: 'واحد کوچک دارای مشکل' };
const planned = fact('VisitPlanned', plan);
const secretary = { actor: as('secretary'), id: 'v-1' };
const known = { unitKnown: true };
const need = { category: 'gas', statement: 'افزایش ظرفیت انشعاب' };
const findings = 'خط تولید با نیمی از ظرفیت کار می‌کند';

describe('a visit', () => {
  it('is planned once, to a unit that is registered', () => {
    given(visitDecider)
      .when('PlanVisit', plan, secretary, known)
      .then([{ type: 'VisitPlanned', data: plan }]);
    given(visitDecider).when('PlanVisit', plan, secretary, { unitKnown: false }).thenRefused('invalid');
    given(visitDecider, planned).when('PlanVisit', plan, secretary, known).thenNothing();
    given(visitDecider, planned)
      .when('PlanVisit', { ...plan, date: '2026-09-01' }, secretary, known)
      .thenRefused('already-planned');
  });

  it('counts its needs on over repeated findings', () => {
    const body = { findings, needs: [need, need] };
    given(visitDecider, planned)
      .when('RecordFindings', body, secretary)
      .then([{ type: 'VisitFindingsRecorded', data: { unit: 'u-7', needs: [{ n: 1, case: 'v-1-1' }, { n: 2 }] } }]);
    given(visitDecider, planned, fact('VisitFindingsRecorded', body), fact('VisitFindingsRecorded', body))
      .when('RecordFindings', { findings, needs: [need] }, secretary)
      .then([{ type: 'VisitFindingsRecorded', data: { needs: [{ n: 5, case: 'v-1-5', ...need }] } }]);
  });

  it('may find nothing, but must have been planned', () => {
    given(visitDecider, planned)
      .when('RecordFindings', { findings, needs: [] }, secretary)
      .then([{ type: 'VisitFindingsRecorded', data: { needs: [] } }]);
    given(visitDecider).when('RecordFindings', { findings, needs: [] }, secretary).thenRefused('not-found');
  });

  it.each([[[[]]], [['gas']], [[null]], [[{ category: 'gas' }]], [{}]])('refuses the needs %j', (needs) => {
    given(visitDecider, planned).when('RecordFindings', { findings, needs }, secretary).thenRefused('invalid');
  });
});

describe('what a visit found', () => {
  const opened = async (statement: string) => {
    const data = { unit: 'u-7', findings, needs: [{ n: 3, case: 'v-1-3', category: 'gas', statement }] };
    const event = { stream: 'visit-v-1', type: 'VisitFindingsRecorded', data } as RecordedEvent;
    return visitFindingsOpenCases.react(event, undefined as never);
  };

  it('opens a case for each need', async () => {
    const [wanted] = await opened('افزایش ظرفیت');
    expect(wanted).toEqual({
      aggregate: 'case',
      id: 'v-1-3',
      name: 'OpenCase',
      data: {
        unit: 'u-7',
        channel: 'visit',
        category: 'gas',
        title: 'افزایش ظرفیت',
        statement: 'افزایش ظرفیت',
        visit: 'v-1',
      },
    });
  });

  it('has a title that can be stored, whatever the statement', async () => {
    const [wanted] = await opened(`${'😀'.repeat(200)}\nسطر دوم`);
    const { title } = shaped(OpenCaseData, wanted!.data);
    expect(title).toBe(`${'😀'.repeat(119)}…`);
  });
});
