// Import rules between folders; docs/architecture.md lists them. A violation is an error.
const outside = (...rooms) => `^src/(?!(${rooms.join('|')})(/|\\.ts$))`;

/** Packages without I/O, clock or locale, whose results are the same on every machine. */
const PURE_PACKAGES = 'node_modules/(zod|decimal\\.js|canonicalize)/';

/** The folders of src/core/premium: each may import itself and those before it. */
const PREMIUM_ROOMS = ['exact', 'kinds', 'tariff', 'rating', 'bills', 'book'];
const downTo = (place) =>
  PREMIUM_ROOMS.filter((room, at) => at <= place && !(room === 'bills' && at < place));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that import each other should be one file, or share a third.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: '/generated/' } },
    },
    {
      name: 'core-imports-nothing',
      comment: 'What can be disputed runs without Kafka, PostgreSQL, a clock or a network.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: ['^src/core/', PURE_PACKAGES] },
    },
    {
      name: 'only-money-needs-decimals',
      comment: 'Decimals and documents are for premiums; the fold counts in integers.',
      severity: 'error',
      from: { path: '^src/core/', pathNot: '^src/core/premium/' },
      to: { path: PURE_PACKAGES },
    },
    ...PREMIUM_ROOMS.map((room, place) => ({
      name: `premium-${room}-imports-downwards`,
      comment: `Within a premium, imports go ${PREMIUM_ROOMS.join(' <- ')}; bills and book do not meet.`,
      severity: 'error',
      from: { path: `^src/core/premium/${room}/` },
      to: {
        path: '^src/core/premium/',
        pathNot: `^src/core/premium/(${downTo(place).join('|')})/`,
      },
    })),
    {
      name: 'only-the-sink-ingests',
      comment: 'The one write transaction of the log has one caller; main makes the partitions.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(sink/|store/ingest/|main\\.ts$)' },
      to: { path: '^src/store/ingest/' },
    },
    {
      name: 'only-commands-set-up',
      comment: 'Migrations, logins and the epoch are for commands, not for a running role.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main\\.ts$|cli/|local/|store/setup/)' },
      to: { path: '^src/store/setup/' },
    },
    {
      name: 'engine-knows-core-and-zones',
      comment: 'The adapter for other engines runs without Kafka, PostgreSQL or the API.',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: '^src/(?!(engine|core)/|(zones|problem)\\.ts$)' },
    },
    {
      name: 'store-knows-core-alone',
      comment: 'The store depends on core only, not on its callers.',
      severity: 'error',
      from: { path: '^src/store/' },
      to: { path: outside('store', 'core', 'problem') },
    },
    {
      name: 'live-knows-core-and-store',
      comment: 'The hub streams what is stored; it does not depend on the transports.',
      severity: 'error',
      from: { path: '^src/live/' },
      to: { path: outside('live', 'core', 'store', 'log', 'ops', 'problem') },
    },
    {
      name: 'sink-and-api-never-meet',
      comment: 'Each runs alone, in any number of processes.',
      severity: 'error',
      from: { path: '^src/(sink|api)/' },
      to: { path: '^src/(sink|api)/', pathNot: '^src/$1/' },
    },
    {
      name: 'the-sink-knows-no-helpers',
      comment: 'main, cli, local and tests pass adapters in.',
      severity: 'error',
      from: { path: '^src/(sink|api)/' },
      to: { path: '^src/(main\\.ts|cli/|local/|sim/|config\\.ts)' },
    },
    {
      name: 'kafka-is-plugged-in',
      comment: 'These folders use the type of the Kafka client only; main passes the client in.',
      severity: 'error',
      from: { path: '^src/(core|sink|store|live|api)/' },
      to: { path: '^src/kafka(-consumer|-fetch)?\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'one-file-knows-kafkajs',
      comment: 'Workarounds for kafkajs are in one place.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/kafka' },
      to: { path: '(^|node_modules/)(kafkajs|kafkajs-snappy|lz4-napi|fzstd)(/|$)' },
    },
    {
      name: 'prisma-stays-in-the-store',
      comment: 'Rows are converted to core types before they leave the store.',
      severity: 'error',
      from: { path: '^(src|test|bench)/', pathNot: '^src/store/' },
      to: { path: '(^|node_modules/)(@prisma/|prisma/)|^src/store/generated/' },
    },
    {
      name: 'generated-types-stay-in-the-api',
      comment: 'Generated GraphQL types are for the API only.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/api/' },
      to: { path: '^src/api/generated/' },
    },
    {
      name: 'src-knows-no-tests',
      comment: 'Shipped code does not import tests or tools.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts|examples)/' },
    },
    {
      name: 'no-tools-at-run-time',
      comment:
        'A package that src imports must be in dependencies, or a production install breaks.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
    {
      name: 'no-unknown-imports',
      comment: 'The path or package does not exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'Installed only as a dependency of another package.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
    cache: { folder: 'node_modules/.cache/dependency-cruiser', strategy: 'content' },
  },
};
