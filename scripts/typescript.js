// Runs TypeScript on Node 20, which cannot strip types: node --import ./scripts/typescript.js file.ts
import { register } from 'node:module';

register('./typescript-hooks.js', import.meta.url);
