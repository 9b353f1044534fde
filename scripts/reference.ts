// Writes docs/reference from the code: the schema, the access rules, the settings. `npm run reference` writes;
// with --check it only lists the pages that are out of date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type {
  GraphQLArgument,
  GraphQLEnumType,
  GraphQLField,
  GraphQLInputField,
  GraphQLNamedType,
  GraphQLSchema,
  GraphQLType,
} from 'graphql';
import {
  astFromValue,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  print,
} from 'graphql';
import prettier from 'prettier';
import { listAccess } from '../src/api/access/roles.ts';
import { createSchema } from '../src/api/schema.ts';
import { listSettings } from '../src/config.ts';

const folder = fileURLToPath(new URL('../docs/reference/', import.meta.url));
const ASKERS = ['DRIVER', 'INSURER', 'ACTUARY', 'MICRODATA', 'CLAIMS', 'OPERATOR'] as const;

/** A cell's text: one line, and no bar that would end it. */
function toCell(text: string | null | undefined): string {
  return (text ?? '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|');
}

function writeTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

function linkType(type: GraphQLType): string {
  const named = getNamedType(type);
  const builtIn = isScalarType(named) && isSpecifiedScalarType(named);
  return builtIn ? `\`${String(type)}\`` : `[\`${String(type)}\`](#${named.name.toLowerCase()})`;
}

function writeInput({
  name,
  type,
  defaultValue,
  description,
}: GraphQLArgument | GraphQLInputField) {
  const fallback = astFromValue(defaultValue, type);
  const unless = defaultValue !== undefined && fallback ? ` = \`${print(fallback)}\`` : '';
  return [`\`${name}\``, `${linkType(type)}${unless}`, toCell(description)];
}

function writeField(field: GraphQLField<unknown, unknown>): readonly string[][] {
  const { name, type, description, args } = field;
  return [
    [`\`${name}\``, linkType(type), toCell(description)],
    ...args.map((arg) => {
      const [label, of, words] = writeInput(arg);
      return [`· ${label}`, of ?? '', words ?? ''];
    }),
  ];
}

/** What a router asks of a subgraph is told in docs/graphql.md. */
function isForClients({ name }: { readonly name: string }): boolean {
  return !name.startsWith('_');
}

function writeType(type: GraphQLNamedType): string {
  const head = `\n## ${type.name}\n\n${(type.description ?? '').trim()}\n`;
  if (isObjectType(type) || isInterfaceType(type)) {
    const rows = Object.values(type.getFields()).filter(isForClients).flatMap(writeField);
    return `${head}\n${writeTable(['field', 'type', 'what it is'], rows)}`;
  }
  if (isInputObjectType(type)) {
    const rows = Object.values(type.getFields()).map(writeInput);
    return `${head}\n${writeTable(['field', 'type', 'what it is'], rows)}`;
  }
  if (isEnumType(type)) return `${head}\n${writeValues(type)}`;
  return head;
}

function writeValues(type: GraphQLEnumType): string {
  const rows = type
    .getValues()
    .map(({ name, description }) => [`\`${name}\``, toCell(description)]);
  return writeTable(['value', 'when'], rows);
}

const MADE = '<!-- Made by `npm run reference`. -->\n\n';

function writeSchema(schema: GraphQLSchema): string {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) =>
      isForClients(type) &&
      !isIntrospectionType(type) &&
      !(isScalarType(type) && isSpecifiedScalarType(type)),
  );
  const roots = ['Query', 'Mutation', 'Subscription'];
  const kinds: readonly (readonly [string, (type: GraphQLNamedType) => boolean])[] = [
    ['What can be asked', ({ name }) => roots.includes(name)],
    ['Objects', (type) => isObjectType(type) && !/(Connection|Edge|Payload)$/.test(type.name)],
    ['Interfaces', isInterfaceType],
    ['Inputs', isInputObjectType],
    ['Enumerations', isEnumType],
    ['Scalars', isScalarType],
    ['Pages', ({ name }) => /(Connection|Edge)$/.test(name)],
    ['Answers of mutations', ({ name }) => name.endsWith('Payload')],
  ];
  const left = new Set(types);
  let contents = '';
  let text = '';
  for (const [title, belongs] of kinds) {
    const chosen = [...left].filter(belongs);
    for (const type of chosen) left.delete(type);
    chosen.sort(
      (a, b) => roots.indexOf(a.name) - roots.indexOf(b.name) || (a.name < b.name ? -1 : 1),
    );
    const links = chosen.map(({ name }) => `[${name}](#${name.toLowerCase()})`);
    contents += `- ${title}: ${links.join(', ')}\n`;
    text += chosen.map(writeType).join('');
  }
  return `${MADE}# Reference of the schema\n\nEvery type, field and argument of [\`schema.graphql\`](../../schema.graphql). [access.md](access.md) lists the roles that may\nask for each field, [graphql.md](../graphql.md) explains how to ask. A field with · before it is an argument.\n\n${contents}${text}`;
}

function writeAccess(schema: GraphQLSchema): string {
  const rows = listAccess(schema).map(({ coordinate, who }) => [
    `\`${coordinate}\``,
    ...ASKERS.map((asker) => who[asker] ?? ''),
  ]);
  return `${MADE}# Access by role\n\nA field that is not in this table may be read by every caller that reaches its object; row-level security in the database\ndecides which objects these are ([security.md](../security.md)). MICRODATA is an ACTUARY with the claim\n\`microdata: true\`. An empty cell: null and one \`FORBIDDEN\`.\n\n- own: of the driver's own time with the device\n- unassigned: only while no driver was assigned to the device\n- purpose: once the purpose that the caller states is in the access log\n\n${writeTable(['field', ...ASKERS], rows)}`;
}

function writeSettings(): string {
  const rows = listSettings().map(({ name, description, fallback }) => [
    `\`${name}\``,
    fallback === '' ? '' : `\`${fallback}\``,
    toCell(description),
  ]);
  return `${MADE}# Reference of the settings\n\nRead from the environment, and from \`.env\` where there is one ([\`.env.example\`](../../.env.example) has them all to copy).\nA wrong setting keeps the program from starting, and it says everything that is wrong at once.\n\n${writeTable(['setting', 'unless set', 'what it does'], rows)}`;
}

const schema = createSchema();
const pages = {
  'schema.md': writeSchema(schema),
  'access.md': writeAccess(schema),
  'settings.md': writeSettings(),
};
const onlyCheck = process.argv.includes('--check');
const format = { ...(await prettier.resolveConfig(folder)), parser: 'markdown' };
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(pages)) {
  const wanted = await prettier.format(text, format);
  if (!onlyCheck) {
    writeFileSync(folder + name, wanted);
  } else if (readFileSync(folder + name, 'utf8') !== wanted) {
    console.error(`docs/reference/${name} is not what the code says: npm run reference writes it.`);
    process.exitCode = 1;
  }
}
