// Files that operators copy name only metrics, settings and commands that exist.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments, parse } from 'yaml';
import { listSettings } from '../src/config.ts';
import { createMetrics } from '../src/ops.ts';

const folder = fileURLToPath(new URL('../deploy', import.meta.url));
const readText = (file: string) => fs.readFileSync(path.join(folder, file), 'utf8');

describe('metrics', () => {
  let known: Set<string>;
  beforeAll(async () => {
    const metrics = createMetrics();
    metrics.watchSink(() => undefined);
    const written = await metrics.write();
    known = new Set(
      [...written.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name, type]) =>
        type === 'histogram' ? [`${name!}_bucket`, `${name!}_sum`, `${name!}_count`] : [name!],
      ),
    );
  });

  const unknownIn = (expr: string) =>
    [...expr.matchAll(/\b(?:odograph|nodejs|process)_\w+/g)]
      .map(([name]) => name)
      .filter((name) => !known.has(name));

  test('of the alerts exist, and each alert says what to do', () => {
    const { groups } = parse(readText('prometheus/alerts.yaml')) as {
      groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(3);
    expect(rules.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
    for (const { alert, annotations } of rules) {
      expect(annotations['summary'], alert).toBeTruthy();
      expect(annotations['action'], alert).toBeTruthy();
    }
  });

  test('of the dashboard exist', () => {
    const { panels } = JSON.parse(readText('grafana/odograph.json')) as {
      panels: { id: number; title: string; targets: { expr: string }[] }[];
    };
    const exprs = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(exprs.length).toBeGreaterThan(8);
    expect(exprs.flatMap(unknownIn)).toEqual([]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

interface Container {
  readonly args: readonly string[];
  readonly env: readonly {
    readonly name: string;
    readonly valueFrom?: object;
    readonly value?: string;
  }[];
  readonly securityContext: object;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
}
interface Manifest {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: {
      readonly spec: {
        readonly containers: readonly Container[];
        readonly securityContext: object;
      };
    };
  };
}

describe('the Kubernetes manifests', () => {
  const manifests = parseAllDocuments(readText('kubernetes/odograph.yaml')).map((document) => {
    expect(document.errors).toEqual([]);
    return document;
  });
  const whole = manifests.map((document) => document.toJS() as Manifest);
  const pods = whole.flatMap(({ spec }) => (spec?.template ? [spec.template.spec] : []));
  const containers = pods.flatMap((pod) => pod.containers);

  test('set only settings that exist, and take every secret from a Secret', () => {
    const settings = new Set(listSettings().map(({ name }) => name));
    const plain = whole.flatMap(({ data }) => Object.keys(data ?? {}));
    const named = containers.flatMap(({ env }) => env);
    expect(
      [...plain, ...named.map(({ name }) => name)].filter((name) => !settings.has(name)),
    ).toEqual([]);
    expect(plain.filter((name) => /DATABASE|SECRET|PASSWORD/.test(name))).toEqual([]);
    expect(named.filter(({ value }) => value !== undefined)).toEqual([]);
  });

  test('run each role without rights on a read-only file system, with probes where it keeps running', () => {
    expect(containers.map(({ args }) => args[0])).toEqual(['migrate', 'sink', 'api']);
    for (const { args, securityContext, livenessProbe, readinessProbe } of containers) {
      expect(securityContext, args[0]).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      if (args[0] !== 'migrate') expect(livenessProbe && readinessProbe, args[0]).toBeTruthy();
    }
    for (const pod of pods) expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
  });
});

test('the CI workflow runs only scripts that exist, with read-only permissions', () => {
  const root = path.join(folder, '..');
  const text = fs.readFileSync(path.join(root, '.github/workflows/ci.yml'), 'utf8');
  const workflow = parse(text) as {
    permissions: object;
    jobs: Record<string, { 'timeout-minutes': number; steps: { run?: string; uses?: string }[] }>;
  };
  const { scripts } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = [...text.matchAll(/npm (?:run )?([\w:]+)/g)].map(([, name]) => name!);
  expect(named.filter((name) => name !== 'ci' && !(name in scripts))).toEqual([]);
  expect(workflow.permissions).toEqual({ contents: 'read' });
  for (const { steps, 'timeout-minutes': minutes } of Object.values(workflow.jobs)) {
    expect(minutes).toBeGreaterThan(0);
    expect(steps.every((step) => (step.run === undefined) !== (step.uses === undefined))).toBe(
      true,
    );
    expect(steps.flatMap(({ uses }) => uses ?? []).filter((uses) => !/@v\d+$/.test(uses))).toEqual(
      [],
    );
  }
});
