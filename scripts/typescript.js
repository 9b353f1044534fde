// Lets Node 20, which cannot strip types, run TypeScript: node --import ./scripts/typescript.js file.ts
import { register } from 'node:module';

register('./typescript-hooks.js', import.meta.url);
