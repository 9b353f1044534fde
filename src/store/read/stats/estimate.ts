import { Prisma } from '../../generated/client.ts';
import type { Transaction } from '../../transaction.ts';
import type { StatsQuestion, StatsSource, SumsWanted } from './question.ts';
import { sourceOf } from './source.ts';
import { sumsSql } from './sums.ts';

/** PostgreSQL's estimate of a statement. */
export interface QueryEstimate {
  readonly source: StatsSource;
  /** Rows that its scans read. */
  readonly rows: number;
  /** PostgreSQL's cost unit: reading one page sequentially is 1. */
  readonly work: number;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  readonly 'Total Cost': number;
  readonly 'Parent Relationship'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Estimates the statement for the sums; it is not executed. */
export async function estimateSums(
  tx: Transaction,
  question: StatsQuestion,
  wanted: SumsWanted,
): Promise<QueryEstimate> {
  const source = sourceOf(question);
  const [row] = await tx.$queryRaw<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }[]>(
    Prisma.sql`explain (format json) ${sumsSql(question, wanted, source)}`,
  );
  const plan = row?.['QUERY PLAN'][0]?.Plan;
  if (!plan) throw new Error('EXPLAIN returned no plan');
  return { source, rows: scannedRows(plan), work: plan['Total Cost'] };
}

function scannedRows({ Plans: below = [], ...node }: PlanNode): number {
  // Subqueries of row-level security are below the scan that they guard.
  const inputs = below.filter((child) => child['Parent Relationship'] !== 'InitPlan');
  const own = node['Node Type'].endsWith('Scan') && inputs.length === 0 ? node['Plan Rows'] : 0;
  return below.reduce((sum, child) => sum + scannedRows(child), own);
}
