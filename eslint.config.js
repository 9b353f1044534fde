import graphql from '@graphql-eslint/eslint-plugin';
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const readsASetting = {
  selector:
    "MemberExpression[object.type='MemberExpression'][object.object.name='process'][object.property.name='env']",
  message: 'Only src/config.ts reads settings: take this one from the Config.',
};
const namesTheEnvironment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Only src/config.ts reads settings: take the value as an argument.',
};
const defaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name, so that imports state what they use.',
};

// The core must compute the same numbers on every Node version, machine and date.
const notPortable = [
  ...['Date', 'Intl', 'Temporal', 'process', 'Buffer', 'performance', 'crypto', 'console', 'fetch'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'globalThis'],
].map((name) => ({
  name,
  message: 'The core has no clock, locale or I/O: take the value as an argument.',
}));
const differentDigits = ['pow', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh']
  .concat(['acosh', 'atanh', 'cbrt', 'hypot', 'log2', 'log10', 'log1p', 'expm1', 'random'])
  .map((property) => ({
    object: 'Math',
    property,
    message: 'Its last digit differs between Node versions, or it is random.',
  }));
const trigonometry = ['sin', 'cos', 'atan2'].map((property) => ({
  object: 'Math',
  property,
  message: 'Trigonometry lives in src/core/geo.ts.',
}));
const localeOrPower = [
  {
    selector:
      "BinaryExpression[operator='**']:not([left.bigint]), AssignmentExpression[operator='**=']",
    message: 'Powers differ between Node versions: multiply, or write the constant.',
  },
  {
    selector:
      'MemberExpression[property.name=/^(localeCompare|toLocale(String|DateString|TimeString|LowerCase|UpperCase))$/]',
    message: 'The core has no locale: compare with < and >.',
  },
  defaultExport,
  namesTheEnvironment,
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'coverage/',
      'reports/',
      '.stryker-tmp/',
      '.odograph/',
      '**/generated/',
      'web/',
      'test/fixtures/',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: false } },
  { files: ['**/*.{js,cjs,ts}'], ...js.configs.recommended },
  {
    // What clients see: descriptions everywhere, Relay connections.
    files: ['schema.graphql'],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: 'schema.graphql' } },
    },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // Descriptions are as long as needed; a value such as a position has no id; short lists that are read
      // whole are not connections; deviceId has the name that it has in messages.
      '@graphql-eslint/description-style': 'off',
      '@graphql-eslint/no-typename-prefix': 'off',
      '@graphql-eslint/strict-id-in-types': 'off',
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
      '@graphql-eslint/input-name': [
        'error',
        { checkInputType: true, caseSensitiveInputType: false },
      ],
      '@graphql-eslint/no-scalar-result-type-on-mutation': 'error',
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          rootField: true,
          DirectiveDefinition: true,
          EnumValueDefinition: true,
          FieldDefinition: true,
          InputValueDefinition: true,
        },
      ],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: 'tsconfig.check.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/require-await': 'off',
      // Plain objects of functions do not use `this`; enums of packages are plain numbers.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': ['error', defaultExport],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', defaultExport, namesTheEnvironment],
    },
  },
  {
    // These pass the whole environment on, to the Config or to a child process.
    files: ['src/main.ts', 'src/cli/**/*.ts', 'src/local/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', defaultExport, readsASetting] },
  },
  { files: ['src/config.ts'], rules: { 'no-restricted-syntax': ['error', defaultExport] } },
  { files: ['src/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...notPortable],
      'no-restricted-properties': ['error', ...differentDigits, ...trigonometry],
      'no-restricted-syntax': ['error', ...localeOrPower],
    },
  },
  {
    files: ['src/core/geo.ts'],
    rules: { 'no-restricted-properties': ['error', ...differentDigits] },
  },
  {
    // Responses and rows are untyped in tests; the assertions check them.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
    },
  },
  {
    // These tools need a default export.
    files: [
      ...['*.ts', '**/*.d.ts', 'examples/*/codegen.ts'],
      ...['test/support/services.ts', 'test/support/closing-line.ts'],
    ],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        URL: 'readonly',
        fetch: 'readonly',
      },
    },
  },
);
