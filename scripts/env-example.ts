// Writes .env.example from the settings: node --import ./scripts/typescript.js scripts/env-example.ts
import { writeFileSync } from 'node:fs';
import { writeEnvExample } from '../src/config.ts';

writeFileSync(new URL('../.env.example', import.meta.url), writeEnvExample());
