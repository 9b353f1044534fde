// Starts a server and waits, so that a test can kill its parent: hold.ts postgres|broker folder [jars]
import { startBroker } from '../../src/local/broker.ts';
import { startPostgres } from '../../src/local/postgres.ts';

const [kind, dataDir = '', libDir = ''] = process.argv.slice(2);
const facts =
  kind === 'broker'
    ? await startBroker({ dataDir, port: 0, libDir })
    : await startPostgres({ dataDir, port: 0 });
console.log(JSON.stringify(facts));
await new Promise(() => setInterval(() => undefined, 1_000));
