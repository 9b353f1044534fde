// npx graphql-codegen --config examples/front-end-apollo/codegen.ts
import type { CodegenConfig } from '@graphql-codegen/cli';

const folder = 'examples/front-end-apollo';

const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: `${folder}/operations/*.graphql`,
  generates: {
    [`${folder}/generated/operations.ts`]: {
      plugins: ['typescript-operations', 'typed-document-node'],
      config: {
        useTypeImports: true,
        enumType: 'string-literal',
        scalars: {
          ID: 'string',
          DateTime: 'string',
          Date: 'string',
          Decimal: 'string',
          Cursor: 'string',
          JSON: 'unknown',
        },
      },
    },
  },
};

export default config;
