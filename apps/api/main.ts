import { runNode } from '#apps/node';

/** HTTP only: commands in, read models out. Needs a worker somewhere. */
await runNode('api');
