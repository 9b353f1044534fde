// Who may know whom. One rule a sentence of docs; a rule that is broken is an error.
const outside = (...rooms) => `^src/(?!(${rooms.join('|')})(/|\\.ts$))`;

/** Packages without I/O, clock or locale, whose results are the same on every machine. */
const PURE_PACKAGES = 'node_modules/(zod|decimal\\.js|canonicalize)/';

/** The rooms of src/core/premium: each may import itself and those before it. */
const PREMIUM_ROOMS = ['exact', 'kinds', 'tariff', 'rating', 'bills', 'book'];
const downTo = (place) =>
  PREMIUM_ROOMS.filter((room, at) => at <= place && !(room === 'bills' && at < place));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one thought cut in two, or a third one missing.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: '/generated/' } },
    },
    {
      name: 'core-imports-nothing',
      comment:
        'What an insurer could argue about runs without Kafka, PostgreSQL, a clock or a network.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: ['^src/core/', PURE_PACKAGES] },
    },
    {
      name: 'only-money-needs-decimals',
      comment: 'Exact decimals and documents are for premiums; the fold counts in integers.',
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
      comment: 'The store keeps what core says; it does not know who asks.',
      severity: 'error',
      from: { path: '^src/store/' },
      to: { path: outside('store', 'core', 'problem') },
    },
    {
      name: 'live-knows-core-and-store',
      comment: 'The hub tells what the store keeps; it does not know who listens.',
      severity: 'error',
      from: { path: '^src/live/' },
      to: { path: outside('live', 'core', 'store', 'log', 'ops', 'problem') },
    },
    {
      name: 'sink-and-api-never-meet',
      comment: 'Each runs alone and many times over.',
      severity: 'error',
      from: { path: '^src/(sink|api)/' },
      to: { path: '^src/(sink|api)/', pathNot: '^src/$1/' },
    },
    {
      name: 'the-sink-knows-no-helpers',
      comment: 'Adapters are plugged in by main, cli, local and test.',
      severity: 'error',
      from: { path: '^src/(sink|api)/' },
      to: { path: '^src/(main\\.ts|cli/|local/|sim/|config\\.ts)' },
    },
    {
      name: 'kafka-is-plugged-in',
      comment: 'Rooms name the shape of the Kafka client, never the client itself.',
      severity: 'error',
      from: { path: '^src/(core|sink|store|live|api)/' },
      to: { path: '^src/kafka\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'one-file-knows-kafkajs',
      comment: 'Its known faults are kept in one place.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/kafka' },
      to: { path: '(^|node_modules/)(kafkajs|kafkajs-snappy|lz4-napi|fzstd)(/|$)' },
    },
    {
      name: 'prisma-stays-in-the-store',
      comment: 'Rows become core types before they leave.',
      severity: 'error',
      from: { path: '^(src|test|bench)/', pathNot: '^src/store/' },
      to: { path: '(^|node_modules/)(@prisma/|prisma/)|^src/store/generated/' },
    },
    {
      name: 'generated-types-stay-in-the-api',
      comment: 'GraphQL shapes are the API’s own.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/api/' },
      to: { path: '^src/api/generated/' },
    },
    {
      name: 'src-knows-no-tests',
      comment: 'What ships stands alone.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts|examples)/' },
    },
    {
      name: 'no-tools-at-run-time',
      comment:
        'A package that src imports is a dependency, or a fresh install without tools breaks.',
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
      comment: 'A path or a package that is not there.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-packages',
      comment: 'Installed by luck, as somebody else’s dependency.',
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
