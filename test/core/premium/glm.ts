import { readFileSync } from 'node:fs';

/** A file of the worked example. */
export const read = (name: string): string => readFileSync(`examples/glm/${name}`, 'utf8');

export const base = JSON.parse(read('base.json')) as Record<string, unknown>;

/** Of MASS::Insurance: which variable is which fact, and the level that has no coefficient. */
export const options = {
  factors: [
    { variable: 'District', fact: 'territory', base: '1' },
    { variable: 'Group', fact: 'vehicleGroup', base: '<1l' },
    { variable: 'Age', fact: 'ageBand', base: '<25' },
  ],
  version: '2',
};
