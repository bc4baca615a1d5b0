import { createPool, PostgresEventStore } from '#stores';
import { eventStoreContract } from '#test/contract/event-store.contract';
import { testDatabase } from '#test/kit/postgres';

eventStoreContract('PostgreSQL', async () => {
  const database = await testDatabase();
  const pools = [database.pool];
  return {
    async open() {
      const pool = createPool(database.connection, { max: 4 });
      pools.push(pool);
      return new PostgresEventStore(pool);
    },
    async close() {
      await Promise.all(pools.slice(1).map((pool) => pool.end()));
      await database.close();
    },
  };
});
