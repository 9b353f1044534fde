import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestRegistry {
  readonly url: string;
  /** Requests so far. */
  asked(): number;
  /** What it does from now on: answer, answer 503, or not answer at all. */
  behave(how: 'answer' | 'refuse' | 'hang'): void;
  /** Adds a schema. @returns its id */
  register(schema: string, schemaType?: string, more?: object): number;
  stop(): Promise<void>;
}

/** A schema registry for tests, which speaks the HTTP API of Confluent's as far as reading by id. */
export async function startTestRegistry(): Promise<TestRegistry> {
  const schemas: object[] = [];
  let asked = 0;
  let how = 'answer';
  const server = createServer((request, response) => {
    asked += 1;
    if (how === 'hang') return;
    const id = /^\/schemas\/ids\/(\d+)$/.exec(request.url ?? '')?.[1];
    const found = id === undefined ? undefined : schemas[Number(id) - 1];
    const status = how === 'refuse' ? 503 : found ? 200 : 404;
    response
      .writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
      .end(
        JSON.stringify(
          status === 200 ? found : { error_code: status === 404 ? 40403 : 50003, message: 'no' },
        ),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    behave: (next) => void (how = next),
    register(schema, schemaType, more = {}) {
      schemas.push({ schema, ...(schemaType === undefined ? {} : { schemaType }), ...more });
      return schemas.length;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
