import { readFileSync } from 'node:fs';
import { buildSchema, isEnumType } from 'graphql';
import { expect, it } from 'vitest';
import { ROLES } from '../src/roles.ts';

it('the list of roles is the enum of the schema', () => {
  const text = readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8');
  const role = buildSchema(text).getType('Role');
  expect(isEnumType(role) && role.getValues().map(({ name }) => name)).toEqual(ROLES);
});
