import { deciders, liveDeciders } from '#apps/province';
import { LEAVES } from './people.js';

it('knows of every command of the engine what it leaves', () => {
  // Two aggregates may share a command: contacts of offices and of agencies.
  const commands = new Set([...deciders, ...liveDeciders].flatMap((decider) => Object.keys(decider.commands)));
  // These two only ask the engine to look: what they leave happens by itself.
  const looking = ['FireRung', 'ReprojectDeadline'];
  expect([...Object.keys(LEAVES), ...looking].sort()).toEqual([...commands].sort());
});
