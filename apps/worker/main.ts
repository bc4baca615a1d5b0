import { runNode } from '#apps/node';

/** What happens by itself: read models, policies, deadlines, alarms, notices. */
await runNode('worker');
