/** An app that does nothing but own a data directory: `embedded-app.ts DIR`. Prints its connection when it is ready. */
import { setgid, setgroups, setuid } from 'node:process';
import { startEmbeddedPostgres } from '#stores';

const [dataDir = '', uid] = process.argv.slice(2);
if (uid) {
  setgroups?.([]);
  setgid?.(Number(uid));
  setuid?.(Number(uid));
}
const server = await startEmbeddedPostgres(dataDir, {
  settings: { fsync: 'off' },
  log: (message) => console.error(message),
});
console.log(JSON.stringify(server.connection));
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)));
