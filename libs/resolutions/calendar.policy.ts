import { splitStream, type Policy } from '#kernel';

/**
 * A change of a calendar moves every running obligation that is counted on it, one event each, and wakes the rungs and
 * duties that it moves into the past. Each resolution settles for itself, so doing it twice or not at all changes no
 * verdict: the next command that reaches the resolution would settle the same.
 */
export const changedCalendarMovesDeadlines: Policy = {
  name: 'changed-calendar-moves-deadlines',
  on: ['CalendarDefined', 'ClosureDeclared', 'ClosureCancelled', 'HoursDeclared'],
  async react({ stream }, reads) {
    const ids = await reads.resolutionsOnCalendar(splitStream(stream)[1]);
    return ids.map((id) => ({ aggregate: 'resolution', id, name: 'ReprojectDeadline', data: {} }));
  },
};
